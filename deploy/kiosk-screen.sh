#!/bin/sh
# Shows the kiosk on this device's own screen: waits until it answers, then keeps Chromium open on it.
set -u

command=${EMOTION_EDGE:-/opt/emotion-edge/bin/emotion-edge}
config=${EMOTION_EDGE_CONFIG:-/etc/emotion-edge/kiosk.toml}
home=$HOME/.config/emotion-edge

port=$("$command" config show --config "$config" | sed -n 's/^port = \([0-9]*\).*/\1/p')
page=http://localhost:${port:-8000}/
# Where the kiosk asks for its token, the installer left a page that shows it, readable for this user alone.
if [ -r "$home/open.html" ]; then
    page=file://$home/open.html
fi

browser=$(command -v chromium || command -v chromium-browser) || {
    echo "chromium is not installed: sudo apt install chromium" >&2
    exit 1
}

until curl --silent --output /dev/null --max-time 5 "http://localhost:${port:-8000}/healthz"; do
    sleep 1
done

while :; do
    "$browser" --kiosk --ozone-platform-hint=auto --user-data-dir="$home/chromium" --password-store=basic \
        --no-first-run --noerrdialogs --disable-session-crashed-bubble --disable-background-networking \
        --disable-component-update --disable-sync --disable-features=Translate --check-for-update-interval=31536000 \
        "$page"
    sleep 2
done
