"""Which way up a picture is, by its EXIF data. Little is imported: articles/reencode.py runs as a program."""

from PIL import ExifTags, Image

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by the EXIF orientation, what sets a picture upright


def upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF data says; as it is stored when they cannot be read, for the pixels are sound.

    Pillow's exif_transpose writes all tags anew, and so fails by a broken one that does not matter here.
    """
    try:
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # whatever broken tags raise
        return image
    return image if turn is None else image.transpose(turn)
