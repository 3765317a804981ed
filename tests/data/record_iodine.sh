#!/usr/bin/env bash
# Record a real DNS tunnel: iodine between two network namespaces, seen from the server's side.
#
#   tests/data/record_iodine.sh OUTPUT.pcap [TYPE]
#
# TYPE is the DNS record type that iodine is told to use: NULL (default), TXT, SRV, MX, CNAME or A.
# Needs root on Linux. All traffic stays inside the two namespaces, which are gone afterwards.
# At the far end somebody takes eight files of 5,000 random bytes from the client through the
# tunnel, one after the other, as encrypted archives would be taken: about 30 s.
set -euo pipefail

readonly domain=t.tunnel.example # RFC 6761: no name under .example is ever registered
readonly server_address=10.0.2.53 client_address=10.0.2.17
readonly server_inside=10.9.0.1 client_inside=10.9.0.2
readonly files=8 file_bytes=5000 pause_seconds=2

fail() {
    echo "record_iodine.sh: $*" >&2
    exit 1
}

[[ $# -eq 1 || $# -eq 2 ]] || fail "usage: record_iodine.sh OUTPUT.pcap [TYPE]"
output=$1
type=${2:-NULL}
PATH=$PATH:/usr/sbin:/sbin
for tool in iodine iodined ip tcpdump python3; do
    command -v "$tool" >/dev/null || fail "$tool is missing; on Debian:" \
        "apt-get install iodine iproute2 tcpdump python3"
done
[[ $EUID -eq 0 ]] || fail "needs root, to make network namespaces"
[[ -c /dev/net/tun ]] || fail "needs /dev/net/tun: modprobe tun"
[[ -d $(dirname "$output") ]] || fail "no such folder: $(dirname "$output")"

# The process id keeps two recordings at the same time apart.
server=geophone-server-$$ client=geophone-client-$$
work=$(mktemp -d)
processes=()

clean_up() {
    set +e
    kill "${processes[@]}" 2>/dev/null
    wait
    ip netns del "$client" 2>/dev/null # takes its end of the veth pair, and so the pair
    ip netns del "$server" 2>/dev/null
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# start NAMESPACE COMMAND...: run in the background; `started` is its process id.
start() {
    local namespace=$1
    shift
    ip netns exec "$namespace" "$@" >"$work/$1.log" 2>&1 &
    started=$!
    processes+=("$started")
}

# wait_for WHAT COMMAND...: try for 30 s.
wait_for() {
    local what=$1 deadline=$((SECONDS + 30))
    shift
    while ((SECONDS < deadline)); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.2
    done
    tail -n 20 "$work"/*.log >&2
    fail "$what did not come up within 30 s"
}

has_address() { # NAMESPACE ADDRESS
    [[ $(ip -n "$1" address show) == *"inet $2/"* ]]
}

# The far end fetches a file that the near end offers: what it holds travels up, in queries.
fetch() {
    ip netns exec "$server" python3 -c '
import sys, urllib.request
sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1], timeout=60).read())
' "http://$client_inside:8000/$1" | cmp - "$work/files/$1"
}

ip netns add "$server"
ip netns add "$client"
# Made inside a namespace, so that the names can't collide with the machine's own.
ip -n "$server" link add wire address 02:00:00:00:00:53 type veth \
    peer name wire address 02:00:00:00:00:17 netns "$client"
ip -n "$server" address add "$server_address/24" dev wire
ip -n "$client" address add "$client_address/24" dev wire
ip -n "$server" link set wire up
ip -n "$client" link set wire up

start "$server" tcpdump -i wire -n -U -s 0 -Z root -w "$work/recorded.pcap" \
    udp port 53 and host "$server_address" and host "$client_address"
tcpdump_process=$started
wait_for tcpdump test -s "$work/recorded.pcap"

start "$server" iodined -f -c -P geophone "$server_inside/27" "$domain"
wait_for iodined has_address "$server" "$server_inside"
# -r: never leave DNS for raw UDP to the server's address.
start "$client" iodine -f -r -T "$type" -P geophone "$server_address" "$domain"
wait_for iodine has_address "$client" "$client_inside"

mkdir "$work/files"
for ((i = 1; i <= files; i++)); do
    head -c "$file_bytes" /dev/urandom >"$work/files/$i.bin"
done
start "$client" python3 -m http.server --bind "$client_inside" \
    --directory "$work/files" 8000
wait_for "the tunnel" fetch 1.bin
for ((i = 2; i <= files; i++)); do
    fetch "$i.bin"
    sleep "$pause_seconds"
done

kill -TERM "$tcpdump_process" # not INT: a shell's background processes ignore it
wait "$tcpdump_process" || true
mv "$work/recorded.pcap" "$output"
cat "$work/tcpdump.log" >&2
