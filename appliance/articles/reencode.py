"""A program of its own that turns an uploaded picture (stdin) into a plain JPEG (stdout).

What comes in is hostile until it has been decoded, and decoding is where decoders break: so a process with limits of
its own does it, and only pixels come out. Exit codes: UNSUPPORTED, DAMAGED, TOO_LARGE.
"""

import io
import resource
import sys

from PIL import Image, UnidentifiedImageError

from appliance.upright import upright

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
MOST_PIXELS = 60_000_000
WIDEST_PX = 1600
MEMORY_BYTES, CPU_S = 2 * 1024**3, 30
UNSUPPORTED, DAMAGED, TOO_LARGE = 3, 4, 5


def reencode(content: bytes) -> tuple[bytes, int]:
    """The JPEG and 0, or nothing and an exit code."""
    Image.MAX_IMAGE_PIXELS = None  # the limit is ours, from the header
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                return b"", TOO_LARGE
            image.load()
            return _jpeg(upright(image)), 0
    except UnidentifiedImageError:
        return b"", UNSUPPORTED
    except MemoryError:
        return b"", TOO_LARGE
    except Exception:  # whatever a decoder raises on broken data
        return b"", DAMAGED


def _jpeg(image: Image.Image) -> bytes:
    """On white where it is transparent, no wider or higher than WIDEST_PX, without any metadata."""
    layer = image.convert("RGBA")
    flat = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    flat.thumbnail((WIDEST_PX, WIDEST_PX), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    # A copy made from the pixels alone: nothing that the file said of itself goes along.
    Image.frombytes("RGB", flat.size, flat.tobytes()).save(out, "JPEG", quality=88, subsampling=0, optimize=True)
    return out.getvalue()


def main() -> int:
    """Limits first, then the picture."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    jpeg, code = reencode(sys.stdin.buffer.read())
    sys.stdout.buffer.write(jpeg)
    return code


if __name__ == "__main__":
    sys.exit(main())
