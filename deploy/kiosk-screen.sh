#!/bin/sh
# Shows the kiosk on this device's own screen: waits until it answers, then keeps Chromium open on it.
#
#   kiosk-screen            run for ever
#   kiosk-screen address    print where this device's own browser finds the kiosk
set -u

command=${EMOTION_EDGE:-/opt/emotion-edge/bin/emotion-edge}
config=${EMOTION_EDGE_CONFIG:-/etc/emotion-edge/kiosk.toml}

settings=$("$command" config show --config "$config")
port=$(echo "$settings" | sed -n 's/^port = \([0-9]*\).*/\1/p')
host=$(echo "$settings" | sed -n 's/^host = "\([^"]*\)".*/\1/p')
case $host in
"" | 0.0.0.0 | :: | 127.0.0.1 | ::1) host=localhost ;; # listened on by all of them
*:*) host="[$host]" ;;
esac
address=http://$host:${port:-8000}

if [ "${1:-}" = address ]; then
    echo "$address"
    exit
fi

home=$HOME/.config/emotion-edge
profile=$home/chromium
page="$address/?screen=1"
# Where the kiosk asks for its token, the installer left a page that shows it, readable for this user alone.
if [ -r "$home/open.html" ]; then
    page=file://$home/open.html
fi

browser=$(command -v chromium || command -v chromium-browser) || {
    echo "chromium is not installed: sudo apt install chromium" >&2
    exit 1
}

# After a power cut, or under a new host name, Chromium takes its profile to be in use and shows a question instead.
unlock() {
    holder=$(readlink "$profile/SingletonLock") || return 0
    if [ "${holder%-*}" = "$(uname -n)" ] && grep -qs chrom "/proc/${holder##*-}/comm"; then
        return 0
    fi
    rm -f "$profile"/Singleton*
}

until curl --silent --output /dev/null --max-time 5 "$address/healthz"; do
    sleep 1
done

while :; do
    unlock
    "$browser" --kiosk --ozone-platform-hint=auto --user-data-dir="$profile" --password-store=basic \
        --no-first-run --noerrdialogs --disable-session-crashed-bubble --disable-background-networking \
        --disable-component-update --disable-sync --disable-features=Translate --check-for-update-interval=31536000 \
        "$page"
    sleep 2
done
