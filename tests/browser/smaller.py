"""Writes PNG files anew with a palette of 256 colours, which pages do not have more of. Needs Pillow (Debian: python3-pil)."""

import sys

try:
    from PIL import Image
except ImportError:
    sys.exit("the pictures stay as large as they are: python3-pil is missing")

for path in sys.argv[1:]:
    with Image.open(path) as picture:
        if picture.mode != "P":
            picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
