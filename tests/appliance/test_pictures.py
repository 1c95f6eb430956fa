"""Every kind of picture that the box promises to read, as the same pixels."""

import io
import time

import cv2
import numpy as np
import pytest
from PIL import Image

from appliance.studies.orders import Order
from appliance.studies.pictures import decode, inspect
from appliance.studies.pipeline import process
from support.images import decoded, encoded, phantom

GREY = phantom()[..., 1]


def by_opencv(array: np.ndarray, suffix: str) -> bytes:
    """16-bit colour, which Pillow does not write."""
    ok, content = cv2.imencode(suffix, array[..., ::-1] if array.ndim == 3 else array)
    assert ok
    return content.tobytes()


KINDS = {
    "PNG colour 8": (encoded(phantom()), phantom(), 0),
    "PNG grey 8": (encoded(GREY), GREY, 0),
    "PNG palette": (encoded(np.asarray(Image.fromarray(phantom()).quantize(256).convert("RGB"))), phantom(), 12),
    "PNG colour 16": (by_opencv(phantom().astype(np.uint16) * 257, ".png"), phantom(), 1),
    "PNG grey 16": (by_opencv(GREY.astype(np.uint16) * 257, ".png"), GREY, None),
    "PNG grey 12 in 16": (by_opencv(GREY.astype(np.uint16) * 16, ".png"), GREY, None),
    "JPEG colour": (encoded(phantom(), "JPEG", quality=95, subsampling=0), phantom(), 8),
    "JPEG grey": (encoded(GREY, "JPEG", quality=95), GREY, 8),
    "TIFF colour 8": (encoded(phantom(), "TIFF"), phantom(), 0),
    "TIFF deflated": (encoded(phantom(), "TIFF", compression="tiff_deflate"), phantom(), 0),
    "TIFF grey 8": (encoded(GREY, "TIFF"), GREY, 0),
    "TIFF colour 16": (by_opencv(phantom().astype(np.uint16) * 257, ".tiff"), phantom(), 1),
    "TIFF grey 16": (by_opencv(GREY.astype(np.uint16) * 257, ".tiff"), GREY, None),
}


@pytest.mark.parametrize("name", KINDS)
def test_decodes_to_the_same_picture(name):
    content, expected, tolerance = KINDS[name]
    file = io.BytesIO(content)
    seen = inspect(file, 10**9, 10**8)
    image = decode(file)
    assert (seen.height_px, seen.width_px) == image.shape[:2] == expected.shape[:2]
    assert (image.dtype, image.shape[2]) == (np.uint8, 3)
    wanted = expected if expected.ndim == 3 else np.repeat(expected[..., None], 3, axis=2)
    if tolerance is None:  # scaled to its range: the same but for gain and offset
        assert np.corrcoef(image[..., 0].ravel(), wanted[..., 0].ravel())[0, 1] > 0.999
    else:
        difference = np.abs(image.astype(int) - wanted)
        assert np.percentile(difference, 99) <= tolerance


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_undone(orientation):
    stored = Image.fromarray(phantom())
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose that makes the stored picture
    if orientation > 1:
        stored = stored.transpose(Image.Transpose(back[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    stored.save(buffer, "JPEG", quality=95, subsampling=0, exif=exif)
    image = decode(io.BytesIO(buffer.getvalue()))
    assert image.shape == phantom().shape
    assert np.percentile(np.abs(image.astype(int) - phantom()), 99) <= 10


def test_transparent_pixels_are_black():
    rgba = np.dstack([phantom(), np.zeros(phantom().shape[:2], np.uint8)])
    assert decode(io.BytesIO(encoded(rgba))).max() == 0


@pytest.mark.slow
def test_fifty_megapixels_from_file_to_result(api):
    big = cv2.resize(phantom(), (7000, 7150), interpolation=cv2.INTER_CUBIC)
    content = encoded(big, "JPEG", quality=90)
    started = time.perf_counter()
    processed = process(io.BytesIO(content), api.engines.segmenter("retina"), "test", Order("retina"))
    assert (processed.height_px, processed.width_px) == big.shape[:2]
    assert processed.rendered is not None
    mask = decoded(processed.rendered.mask)
    assert mask.shape == big.shape[:2]
    small = api.engines.segmenter("retina").segment(phantom()).mask
    shrunk = cv2.resize(mask, small.shape[::-1], interpolation=cv2.INTER_NEAREST)
    assert 2 * (shrunk & small).sum() / (shrunk.sum() + small.sum()) > 0.8
    print(f"50 megapixels took {time.perf_counter() - started:.1f} s: {processed.timings_ms}")
