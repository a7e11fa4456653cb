#!/bin/sh
# Installs the kiosk as a service, or takes it away again. May be run any number of times.
#
#   sudo sh deploy/install-kiosk.sh [install|uninstall|purge]
#
# SCREEN_USER  whose desktop shows the kiosk (default: who called sudo; empty for none)
# DESTDIR      put the files below this folder and touch nothing else (for packages and tests)
set -eu

action=${1:-install}
destdir=${DESTDIR:-}
screen_user=${SCREEN_USER-${SUDO_USER:-}}
source_dir=$(cd "$(dirname "$0")/.." && pwd)

name=emotion-edge
unit=$name-kiosk.service
opt=$destdir/opt/$name
etc=$destdir/etc/$name
units=$destdir/etc/systemd/system
state=/var/lib/$name
mark="# emotion-edge kiosk"
# Debian and newer images of Raspberry Pi OS, and older ones.
policies="$destdir/etc/chromium/policies/managed $destdir/etc/chromium-browser/policies/managed"

say() { echo "$*" >&2; }
fail() {
    say "error: $*"
    exit 1
}
# Whether this changes the running system, and not only files below DESTDIR.
real() { [ -z "$destdir" ]; }
systemd_runs() { real && [ -d /run/systemd/system ]; }

home_of() {
    [ -n "$screen_user" ] || return 1
    entry=$(getent passwd "$screen_user") || return 1
    echo "$destdir$(echo "$entry" | cut -d: -f6)"
}

check() {
    if real && [ "$(id -u)" != 0 ]; then
        fail "this needs root; run: sudo sh $0 $action"
    fi
    case $(uname -m) in
    aarch64 | x86_64) ;;
    *) fail "this machine is $(uname -m); the interpreter, numpy and OpenCV need a 64-bit system (aarch64 or x86_64)" ;;
    esac
}

packages() {
    real || return 0
    wanted="python3-venv"
    # The Pi's camera library comes from its own packages; elsewhere it is not there and not needed.
    if apt-cache show python3-picamera2 >/dev/null 2>&1; then
        wanted="$wanted python3-picamera2"
    fi
    for package in $wanted; do
        if ! dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "ok installed"; then
            apt-get install --yes --no-install-recommends "$package"
        fi
    done
}

account() {
    real || return 0
    if ! getent passwd "$name" >/dev/null; then
        useradd --system --user-group --home-dir "$state" --no-create-home --shell /usr/sbin/nologin "$name"
    fi
    getent group video >/dev/null && usermod --append --groups video "$name"
}

program() {
    if ! real; then
        mkdir -p "$opt/bin"
        return 0
    fi
    python=${PYTHON:-python3}
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "Python 3.11 or newer is needed"
    # apt's picamera2 is seen through --system-site-packages.
    [ -x "$opt/bin/python" ] || "$python" -m venv --system-site-packages "$opt"
    "$opt/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade "${source_dir}[kiosk,mqtt]"
    "$opt/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "$source_dir"
}

files() {
    install -D -m 755 "$source_dir/deploy/kiosk-screen.sh" "$opt/bin/kiosk-screen"
    install -D -m 644 "$source_dir/deploy/$unit" "$units/$unit"
    if [ ! -e "$etc/kiosk.toml" ]; then
        install -D -m 644 "$source_dir/deploy/kiosk.toml" "$etc/kiosk.toml"
    fi
    if real; then
        "$opt/bin/$name" config check "$etc/kiosk.toml" >/dev/null
    fi
}

service() {
    systemd_runs || return 0
    systemctl daemon-reload
    systemctl enable --quiet "$unit"
    systemctl restart "$unit"
}

# The desktop session of one user opens Chromium on the kiosk; labwc runs this file when it starts.
screen() {
    home=$(home_of) || return 0
    autostart=$home/.config/labwc/autostart
    mkdir -p "$home/.config/labwc" "$home/.config/$name"
    without_mark "$autostart"
    printf '%s\n' "/opt/$name/bin/kiosk-screen & $mark" >>"$autostart"
    token_page "$home/.config/$name/open.html"
    policy
    if real; then
        chown "$screen_user:" "$home/.config" "$home/.config/labwc" "$autostart"
        chown -R "$screen_user:" "$home/.config/$name"
    fi
}

# Chromium on this device then shows the kiosk and nothing else, without dialogs for files, printing or developer tools.
policy() {
    address=localhost
    if real; then
        address=$("$opt/bin/kiosk-screen" address | sed 's|^http://||; s|:[0-9]*$||')
    fi
    for folder in $policies; do
        mkdir -p "$folder"
        sed "s|\"localhost\"|\"$address\"|; s|file:///home/\*|file://${home#"$destdir"}/.config/$name/open.html|" \
            "$source_dir/deploy/chromium-policy.json" >"$folder/$name.json"
    done
}

# With a token, the screen's own browser needs it too: in a page that only its user can read.
token_page() {
    rm -f "$1"
    real && [ -s "$state/token" ] || return 0
    settings=$("$opt/bin/$name" config show --config "$etc/kiosk.toml")
    # Only this device's own address, without a proxy before it, asks for none.
    case $(echo "$settings" | sed -n 's/^host = "\([^"]*\)".*/\1/p') in
    127.* | localhost | ::1) echo "$settings" | grep -q '^trusted_proxy = \[\]' && return 0 ;;
    esac
    address=$("$opt/bin/kiosk-screen" address)
    (
        umask 077
        echo "<meta http-equiv=\"refresh\" content=\"0; url=$address/?screen=1&amp;token=$(cat "$state/token")\">" >"$1"
    )
}

without_mark() {
    [ -e "$1" ] || return 0
    kept=$(grep -vF "$mark" "$1" || true)
    if [ -n "$kept" ]; then
        printf '%s\n' "$kept" >"$1"
    else
        rm "$1"
    fi
}

uninstall() {
    if systemd_runs; then
        systemctl disable --quiet --now "$unit" 2>/dev/null || true
    fi
    rm -f "$units/$unit"
    if systemd_runs; then
        systemctl daemon-reload
    fi
    rm -rf "$opt"
    for folder in $policies; do
        rm -f "$folder/$name.json"
    done
    if home=$(home_of); then
        without_mark "$home/.config/labwc/autostart"
        rm -rf "$home/.config/$name"
    fi
}

purge() {
    uninstall
    rm -rf "$etc" "$destdir$state"
    if real && getent passwd "$name" >/dev/null; then
        userdel "$name"
    fi
}

case $action in
install)
    check
    if [ -n "$screen_user" ] && ! getent passwd "$screen_user" >/dev/null; then
        fail "there is no user $screen_user; set SCREEN_USER"
    fi
    packages
    account
    program
    files
    service
    screen
    say "installed: settings in /etc/$name/kiosk.toml, log with: journalctl -u $unit"
    if real && ! systemd_runs; then
        say "systemd does not run here: start it with /opt/$name/bin/$name kiosk --config /etc/$name/kiosk.toml"
    fi
    ;;
uninstall)
    check
    uninstall
    say "uninstalled; settings and state are left: sudo sh deploy/install-kiosk.sh purge takes them too"
    ;;
purge)
    check
    purge
    ;;
*) fail "unknown action $action; use install, uninstall or purge" ;;
esac
