#!/usr/bin/env bash
# The average_rate that PyAV gives for a bare H.264 or MPEG-4 stream is the demuxer's default, not the stream's.
#
# Expected: a stream that was coded at 30 frames a second says 30 as its `average_rate`, as it does within a container.
# Seen, PyAV 18.1.0: for a bare elementary stream (no container) `average_rate` is 25 whatever was coded: FFmpeg's raw
# demuxers have an option `framerate` that is 25 unless it is given (libavformat/rawdec.c). `codec_context.framerate` has the
# rate that the stream itself states, and the same frames within an MP4 have an `average_rate` of 30.
# It matters where time is taken from the rate: a swing filmed at 30 comes out a fifth too slow, without a word.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
from fractions import Fraction

import av
import numpy as np


def written(name: str, form: str, codec: str, rate: int) -> str:
    with av.open(name, "w", format=form) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for i in range(30):
            picture = np.full((64, 64, 3), 8 * i, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode(None))
    return name


for form, codec in (("h264", "libx264"), ("m4v", "mpeg4")):
    for rate in (30, 60):
        with av.open(written(f"bare-{rate}.{form}", form, codec, rate)) as bare:
            stream = bare.streams.video[0]
            next(bare.decode(stream))
            found = stream.average_rate, stream.codec_context.framerate
        with av.open(written(f"whole-{rate}.mp4", "mp4", codec, rate)) as whole:
            inside = whole.streams.video[0].average_rate
        print(form, rate, "average_rate", *found, "in mp4", inside)
        assert found[0] == Fraction(25), found
        assert found[1] == Fraction(rate), found
        assert inside == Fraction(rate), inside
PY
echo "as described"
