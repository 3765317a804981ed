#!/bin/sh
# Runs a command as a container runtime would run it in the image, on a machine without one. Its root file
# system is this machine's /usr with the folder of the image, all of it read-only; what a pod mounts is
# writable; the user is the image's, with the bounding set of capabilities that is asked for.
#
#   unshare --mount --propagation private enter_image.sh ROOT IMAGE WRITABLE PYTHON CAPABILITIES COMMAND...
#
# ROOT      an empty folder to build in
# IMAGE     what /opt/geophone is to be, as deploy/docker/install.sh made it
# WRITABLE  a folder with cache, data and tmp, which are the user's; and with input, which isn't
# PYTHON    where the interpreter's own files are: seen at the same place
# CAPABILITIES  as `setpriv --bounding-set` takes them: -all or -all,+net_raw
set -eu
root=$1 image=$2 writable=$3 python=$4 capabilities=$5
shift 5

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

# Nothing may stand between setpriv and the command: with no-new-privs, a program gets no more by its file
# than who starts it may have.
exec chroot "$root" env --chdir=/var/lib/geophone \
    setpriv --reuid 65532 --regid 65532 --clear-groups --no-new-privs \
    --bounding-set "$capabilities" --inh-caps=-all "$@"
