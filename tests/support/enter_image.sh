#!/bin/sh
# Runs a command as a container runtime would run it in the image, on a machine without one. Its root file
# system is this machine's /usr with the folder of the image, all of it read-only; what a pod mounts is
# writable; the user is the image's, with the bounding set of capabilities that is asked for.
#
#   unshare --mount --propagation private enter_image.sh ROOT IMAGE WRITABLE PYTHON RUNTIME CAPABILITIES \
#       COMMAND...
#
# ROOT      an empty folder to build in
# IMAGE     what /opt/geophone is to be, as deploy/docker/install.sh made it
# WRITABLE  a folder with cache, data and tmp, which are the user's; and with input, which isn't
# PYTHON    where the interpreter's own files are: seen at the same place
# RUNTIME   whose ways with capabilities: kubernetes or docker
# CAPABILITIES  as `setpriv --bounding-set` takes them: -all or -all,+net_raw
set -eu
root=$1 image=$2 writable=$3 python=$4 runtime=$5 capabilities=$6
shift 6

# FROM TO: the folder FROM at TO in the new root, read-only.
show() {
    mkdir -p "$root$2"
    mount --bind "$1" "$root$2"
    mount -o remount,bind,ro "$root$2"
}

mount -t tmpfs -o mode=755,size=1m image "$root"
for folder in /bin /sbin /lib /lib64 /usr /etc; do
    if [ -L "$folder" ]; then
        cp --no-dereference "$folder" "$root$folder"
    elif [ -d "$folder" ]; then
        show "$folder" "$folder"
    fi
done
for folder in /dev /proc; do
    mkdir "$root$folder"
    mount --rbind "$folder" "$root$folder"
done
show "$python" "$python"
show "$image" /opt/geophone
show "$writable/input" /input
mkdir -p "$root/var/cache/geophone" "$root/var/lib/geophone" "$root/tmp"
mount --bind "$writable/cache" "$root/var/cache/geophone"
mount --bind "$writable/data" "$root/var/lib/geophone"
mount --bind "$writable/tmp" "$root/tmp"
mount -o remount,ro "$root"

# Kubernetes' runtimes start the command with the capabilities of its container and no-new-privs. Docker gives
# who isn't root none to begin with, as if another program (env) had stood between, and compose.yaml leaves
# no-new-privs out for capture: with it, a file gives no more than who starts it may have.
case $runtime in
kubernetes) ;;
docker) set -- env "$@" ;;
*) exit 2 ;;
esac
# The command gets the search path of its image, which has no programs for root.
exec "$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v chroot)" "$root" env --chdir=/var/lib/geophone \
    setpriv --reuid 65532 --regid 65532 --clear-groups $([ "$runtime" = docker ] || echo --no-new-privs) \
    --bounding-set "$capabilities" --inh-caps=-all "$@"
