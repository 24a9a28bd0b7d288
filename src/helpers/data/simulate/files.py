"""Write images, clips and masks as a clinic has them; the same pixels give the same bytes, no dates, no names."""

from __future__ import annotations

import gzip
import io
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

JPEG_QUALITY = 75
MJPEG_SCALE = 8  # quantiser of MJPEG and MPEG-4, 2 (best) to 31


@dataclass(frozen=True)
class Header:
    """What a DICOM file says beside the pixels.

    Parameters
    ----------
    patient_id, case_id : str
        Identifiers of the study, the only ones in the file.
    manufacturer, model : str
        The scanner.
    pixel_mm : float
        Side of a pixel, millimetres.
    region : tuple of int
        Image rectangle `x0 y0 x1 y1`, upper bounds exclusive.
    """

    patient_id: str
    case_id: str
    manufacturer: str
    model: str
    pixel_mm: float
    region: tuple[int, int, int, int]


def write_png(path: Path, image: np.ndarray) -> None:
    """Write uint8 grey (height, width) or colour (height, width, 3)."""
    from PIL import Image

    Image.fromarray(image).save(path, format="PNG", compress_level=3)


def write_nifti_mask(path: Path, mask: np.ndarray, pixel_mm: float) -> None:
    """Write a mask of shape (height, width) as `.nii.gz`, uint8.

    The file's axes are x, y, one slice: `mask[y, x] == nifti[x, y, 0]`; the affine is
    diag(pixel_mm, pixel_mm, 1, 1).
    """
    array = np.ascontiguousarray(mask.T.astype(np.uint8)[:, :, None])
    _write_nifti(path, array, pixel_mm, level=6)


def write_nifti_masks(path: Path, masks: np.ndarray, pixel_mm: float) -> None:
    """Write the masks of several frames, shape (frames, height, width), as one `.nii.gz`, uint8.

    The file's axes are frame, y, x, as `media.read_volume_mask` takes them: `masks[t, y, x] == nifti[t, y, x]`.
    """
    _write_nifti(path, masks.astype(np.uint8), pixel_mm, level=1)


def _write_nifti(path: Path, array: np.ndarray, pixel_mm: float, *, level: int) -> None:
    import nibabel as nib

    image = nib.Nifti1Image(array, np.diag([pixel_mm, pixel_mm, 1.0, 1.0]))
    image.header.set_xyzt_units("mm")
    path.write_bytes(gzip.compress(image.to_bytes(), compresslevel=level, mtime=0))


@dataclass(frozen=True)
class Tint:
    """Colours for the image rectangle of a grey frame; the rest stays grey.

    Parameters
    ----------
    table : array of shape (256, 3), uint8
        Red, green, blue of each grey level.
    window : pair of slices
        Rows and columns of the image rectangle.
    """

    table: np.ndarray
    window: tuple[slice, slice]

    def colour(self, frame: np.ndarray) -> np.ndarray:
        """The frame in red, green and blue, (height, width, 3)."""
        coloured = np.repeat(frame[:, :, None], 3, axis=2)
        coloured[self.window] = self.table[frame[self.window]]
        return coloured


def _planes(frame: np.ndarray, tint: Tint | None, full_range: bool) -> np.ndarray:
    """Luma over the two quarter-size chroma planes, (1.5 height, width): no colour conversion a frame is needed."""
    height, width = frame.shape
    low, span = (0.0, 1.0) if full_range else (16.0, 219 / 255)
    level = np.arange(256.0)
    grey = (low + span * level).round().astype(np.uint8)
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = frame if full_range else grey[frame]
    if tint is not None:
        red, green, blue = tint.table.astype(float).T
        luma = 0.299 * red + 0.587 * green + 0.114 * blue
        chroma_span = 1.0 if full_range else 224 / 255
        chroma = [(blue - luma) * 0.564, (red - luma) * 0.713]
        rows, columns = tint.window
        planes[tint.window] = (low + span * luma).round().astype(np.uint8)[frame[tint.window]]
        # one chroma sample for each 2 x 2 pixels, the window's odd border left grey
        half = slice((rows.start + 1) // 2, rows.stop // 2), slice((columns.start + 1) // 2, columns.stop // 2)
        quarter = frame[2 * half[0].start : 2 * half[0].stop : 2, 2 * half[1].start : 2 * half[1].stop : 2]
        for number, part in enumerate(chroma):
            plane = planes[height:].reshape(2, height // 2, width // 2)[number]
            plane[half] = (128 + chroma_span * part).round().clip(0, 255).astype(np.uint8)[quarter]
    return planes


def write_video(
    path: Path,
    frames: Iterable[np.ndarray],
    *,
    seconds_per_frame: float,
    codec: str,
    tint: Tint | None = None,
) -> None:
    """Write a clip with PyAV.

    Parameters
    ----------
    path : Path
        `.avi` or `.mp4`.
    frames : iterable of uint8 arrays (height, width)
        Grey; even height and width.
    seconds_per_frame : float
        Time between frames.
    codec : str
        `mjpeg`, or an H.264 or MPEG-4 encoder of PyAV.
    tint : Tint or None
        Colours of the image rectangle.
    """
    import av

    rate = Fraction(1 / seconds_per_frame).limit_denominator(1000)
    full = codec == "mjpeg"
    pixel_format = "yuvj420p" if full else "yuv420p"
    options = {"flags": "+bitexact"}
    if codec == "libx264":
        options |= {"crf": "25", "preset": "superfast"}
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = None
        for number, pixels in enumerate(frames):
            if stream is None:
                stream = container.add_stream(codec, rate=rate, options=options)
                stream.height, stream.width = pixels.shape
                stream.pix_fmt = pixel_format
                stream.thread_count = 1
                if codec != "libx264":
                    stream.codec_context.qmin = stream.codec_context.qmax = MJPEG_SCALE
            frame = av.VideoFrame.from_ndarray(_planes(pixels, tint, full), format=pixel_format)
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode(None))


def video_codec() -> str:
    """Encoder for MP4 in this PyAV: H.264 when its wheel has it, else MPEG-4 Part 2."""
    import av

    return "libx264" if "libx264" in av.codecs_available else "mpeg4"


def _jpeg(frame: np.ndarray) -> bytes:
    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(frame).save(held, format="JPEG", quality=JPEG_QUALITY, subsampling=1 if frame.ndim == 3 else -1)
    return held.getvalue()


def write_dicom(
    path: Path, frames: Iterable[np.ndarray], header: Header, *, seconds_per_frame: float | None = None
) -> None:
    """Write an ultrasound image, or a clip when `seconds_per_frame` is given.

    A still is uncompressed, MONOCHROME2 or RGB; a clip is JPEG baseline, MONOCHROME2 or YBR_FULL_422, with
    FrameTime. Both state the image rectangle and the pixel size in SequenceOfUltrasoundRegions
    (DICOM PS3.3, C.8.5.5).

    Parameters
    ----------
    path : Path
        Target.
    frames : iterable of uint8 arrays (height, width) or (height, width, 3)
        One for a still.
    header : Header
        Identifiers, scanner, geometry.
    seconds_per_frame : float or None
        Time between frames of a clip.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import (
        ExplicitVRLittleEndian,
        JPEGBaseline8Bit,
        UltrasoundImageStorage,
        UltrasoundMultiFrameImageStorage,
        generate_uid,
    )

    clip = seconds_per_frame is not None
    frames = iter(frames)
    first = next(frames)
    colour = first.ndim == 3
    x0, y0, x1, y1 = header.region

    def uid(*parts: str) -> str:
        return generate_uid(entropy_srcs=["thyrobook simulated", header.case_id, *parts])

    data = Dataset()
    data.SOPClassUID = UltrasoundMultiFrameImageStorage if clip else UltrasoundImageStorage
    data.SOPInstanceUID = uid("instance", path.name)
    data.StudyInstanceUID, data.SeriesInstanceUID = uid("study"), uid("series", path.name)
    data.Modality, data.Manufacturer, data.ManufacturerModelName = "US", header.manufacturer, header.model
    data.PatientID = data.PatientName = header.patient_id
    data.StudyID = header.case_id
    data.StudyDate = data.StudyTime = data.PatientBirthDate = data.PatientSex = data.AccessionNumber = ""
    data.ReferringPhysicianName = ""
    data.PatientIdentityRemoved, data.DeidentificationMethod = "YES", "simulated"
    data.ImageType = ["ORIGINAL", "PRIMARY"]
    data.SeriesNumber = data.InstanceNumber = 1
    data.Rows, data.Columns = first.shape[:2]
    data.SamplesPerPixel = 3 if colour else 1
    data.PhotometricInterpretation = ("YBR_FULL_422" if clip else "RGB") if colour else "MONOCHROME2"
    if colour:
        data.PlanarConfiguration = 0
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0  # 2D, tissue
    region.RegionLocationMinX0, region.RegionLocationMinY0 = x0, y0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = x1 - 1, y1 - 1  # inclusive in DICOM
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3  # centimetres
    region.PhysicalDeltaX = region.PhysicalDeltaY = header.pixel_mm / 10
    data.SequenceOfUltrasoundRegions = [region]
    if clip:
        # coded as they come: a sweep of 4,000 frames does not fit the memory
        coded = [_jpeg(frame) for frame in itertools.chain([first], frames)]
        data.NumberOfFrames = len(coded)
        data.FrameTime = round(1000 * seconds_per_frame, 3)
        data.FrameIncrementPointer = 0x00181063
        data.LossyImageCompression, data.LossyImageCompressionMethod = "01", "ISO_10918_1"
        data.LossyImageCompressionRatio = round(first.nbytes * len(coded) / sum(map(len, coded)), 2)
        data.PixelData = encapsulate(coded)
        data["PixelData"].VR = "OB"
    else:
        raw = first.tobytes()
        data.PixelData = raw + b"\0" * (len(raw) % 2)
        data["PixelData"].VR = "OB"
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = JPEGBaseline8Bit if clip else ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.save_as(path, enforce_file_format=True)
