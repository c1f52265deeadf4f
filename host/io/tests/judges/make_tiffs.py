"""Writes TIFF files of many kinds into the folder given as argument: foreign input for the reader."""

import pathlib
import sys
import uuid

import numpy
import tifffile

folder = pathlib.Path(sys.argv[1])


def pixels(shape, dtype, seed=7):
    """Smooth pixels with a little noise, different in every plane."""
    generator = numpy.random.Generator(numpy.random.PCG64(seed))
    dtype = numpy.dtype(dtype)
    ramp = numpy.linspace(0, 6, int(numpy.prod(shape))).reshape(shape)
    wave = (numpy.sin(ramp * 9) + 1.2) * 40 + generator.integers(0, 3, shape)
    if dtype.kind == "i":
        wave = wave - 60
    if dtype.kind == "f":
        wave = wave / 7
    return wave.astype(dtype)


def orders():
    """The six dimension orders, as tifffile names axes: slowest first."""
    for axes in ("TCZYX", "CTZYX", "TZCYX", "ZTCYX", "ZCTYX", "CZTYX"):
        sizes = {"T": 2, "C": 3, "Z": 4, "Y": 21, "X": 34}
        array = pixels([sizes[axis] for axis in axes], "u2")
        metadata = {"axes": axes, "PhysicalSizeX": 0.108, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 108,
                    "PhysicalSizeYUnit": "nm", "PhysicalSizeZ": 0.5, "PhysicalSizeZUnit": "µm", "TimeIncrement": 2.5,
                    "TimeIncrementUnit": "s", "Channel": {"Name": ["DAPI", "GFP", "Cy5"]}}
        tifffile.imwrite(folder / f"order_{axes}.ome.tif", array, ome=True, metadata=metadata, compression="zlib")


def samples():
    """Several samples a pixel."""
    rgb = pixels((45, 38, 3), "u1")
    tifffile.imwrite(folder / "rgb.ome.tif", rgb, ome=True, photometric="rgb")
    tifffile.imwrite(folder / "rgb_stack.ome.tif", pixels((4, 45, 38, 3), "u2"), ome=True, photometric="rgb",
                     metadata={"axes": "ZYXS"}, tile=(16, 16))
    tifffile.imwrite(folder / "rgb_planar.ome.tif", pixels((2, 3, 45, 38), "u1"), ome=True, photometric="rgb",
                     planarconfig="separate", metadata={"axes": "TSYX"})
    tifffile.imwrite(folder / "rgb_channels.ome.tif", pixels((2, 45, 38, 3), "u1"), ome=True, photometric="rgb",
                     metadata={"axes": "CYXS"})
    tifffile.imwrite(folder / "rgba.tif", pixels((45, 38, 4), "u1"), photometric="rgb", extrasamples=["unassalpha"])
    tifffile.imwrite(folder / "separate.tif", pixels((5, 40, 33), "f4"), planarconfig="separate", tile=(16, 32),
                     photometric="minisblack", metadata=None, compression="zlib", predictor=True)


def pyramids():
    """Levels in SubIFDs."""
    for name, shape, options in (("pyramid", (2, 128, 192), {"photometric": "minisblack"}),
                                 ("pyramid_rgb", (128, 192, 3), {"photometric": "rgb"})):
        array = pixels(shape, "u2")
        axes = "CYX" if options["photometric"] == "minisblack" else "YXS"
        y, x = axes.index("Y"), axes.index("X")
        with tifffile.TiffWriter(folder / f"{name}.ome.tif", bigtiff=True) as tif:
            tif.write(array, subifds=2, tile=(32, 32), compression="zlib", predictor=True,
                      metadata={"axes": axes, "PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm"}, **options)
            for step in (2, 4):
                index = [slice(None)] * array.ndim
                index[y] = index[x] = slice(None, None, step)
                tif.write(array[tuple(index)], subfiletype=1, tile=(32, 32), compression="zlib", predictor=True,
                          metadata=None, **options)


def series():
    """Several images in a file."""
    with tifffile.TiffWriter(folder / "series.ome.tif") as tif:
        tif.write(pixels((3, 20, 30), "u1"), photometric="minisblack", metadata={"axes": "ZYX", "Name": "first"})
        tif.write(pixels((2, 25, 15), "f4"), photometric="minisblack", metadata={"axes": "TYX", "Name": "second"})
    with tifffile.TiffWriter(folder / "series.tif") as tif:
        tif.write(pixels((3, 20, 30), "u1"), photometric="minisblack")
        tif.write(pixels((25, 15), "u2"), photometric="minisblack")
    with tifffile.TiffWriter(folder / "series_plain.tif") as tif:
        for index in range(4):
            tif.write(pixels((20 + index // 2, 30), "u1", seed=index), photometric="minisblack", metadata=None)


def imagej():
    """ImageJ hyperstacks."""
    metadata = {"axes": "TZCYX", "spacing": 1.5, "unit": "um", "finterval": 0.25}
    tifffile.imwrite(folder / "imagej.tif", pixels((2, 3, 4, 17, 23), "u2"), imagej=True, metadata=metadata,
                     resolution=(1 / 0.2, 1 / 0.2))
    tifffile.imwrite(folder / "imagej_f32.tif", pixels((5, 17, 23), "f4"), imagej=True,
                     metadata={"axes": "ZYX", "unit": "\\u00B5m"}, resolution=(4, 4))
    tifffile.imwrite(folder / "imagej_rgb.tif", pixels((3, 17, 23, 3), "u1"), imagej=True,
                     metadata={"axes": "ZYXS", "unit": "inch"}, resolution=(300, 300))
    # As ImageJ writes stacks beyond 4 GiB: one directory, all planes in one run.
    stack = pixels((6, 17, 23), ">u2")
    with tifffile.TiffWriter(folder / "imagej_one_directory.tif", byteorder=">") as tif:
        tif.write(stack[0], photometric="minisblack", metadata=None, software=False,
                  description="ImageJ=1.53t\nimages=6\nchannels=2\nslices=3\nhyperstack=true\nunit=micron\n"
                              "spacing=2.0\n", resolution=(2, 2), resolutionunit="none")
    with open(folder / "imagej_one_directory.tif", "rb+") as file:
        data = file.read()
        at = data.rindex(stack[0].tobytes())
        file.seek(at)
        file.truncate()
        file.write(stack.tobytes())


def shaped():
    """Arrays with the description of tifffile."""
    tifffile.imwrite(folder / "shaped_axes.tif", pixels((2, 3, 4, 17, 23), "i2"), metadata={"axes": "CTZYX"},
                     photometric="minisblack")
    tifffile.imwrite(folder / "shaped_unknown.tif", pixels((2, 3, 17, 23), "u1"), photometric="minisblack")
    tifffile.imwrite(folder / "shaped_truncated.tif", pixels((7, 17, 23), "u2"), photometric="minisblack",
                     metadata={"axes": "ZYX"}, truncate=True)


def storage():
    """Types, byte orders, strips and tiles, compressions and predictors."""
    number = 0
    for dtype in ("u1", "i1", "u2", "i2", "u4", "f4", "f8", "f2", "u8"):
        for order in "<>":
            compressions = ["none", "zlib", "lzw", "packbits", "zstd"]
            for compression in compressions:
                options = {"compression": compression, "byteorder": order, "bigtiff": number % 2 == 1,
                           "metadata": None, "photometric": "minisblack"}
                options |= {"tile": (32, 16)} if number % 3 == 0 else {"rowsperstrip": 1 + number % 7}
                # tifffile predicts only what imagecodecs can.
                if compression in ("zlib", "lzw", "zstd") and dtype != "u8":
                    options["predictor"] = True
                name = f"storage_{dtype}_{'le' if order == '<' else 'be'}_{compression}.tif"
                tifffile.imwrite(folder / name, pixels((53, 47), dtype), **options)
                number += 1
    rgb = pixels((70, 91, 3), "u1")
    for subsampling in ((1, 1), (2, 1), (2, 2), (4, 1)):
        for tile in (None, (32, 64)):
            name = f"storage_jpeg_{subsampling[0]}{subsampling[1]}_{'strip' if tile is None else 'tile'}.tif"
            tifffile.imwrite(folder / name, rgb, photometric="ycbcr", compression="jpeg", subsampling=subsampling,
                             compressionargs={"level": 80}, tile=tile, metadata=None,
                             **({} if tile else {"rowsperstrip": 16}))
    tifffile.imwrite(folder / "storage_jpeg_rgb.tif", rgb, photometric="rgb", compression="jpeg", tile=(32, 48),
                     compressionargs={"level": 70, "outcolorspace": "rgb"}, metadata=None)
    tifffile.imwrite(folder / "storage_jpeg_gray.tif", rgb[..., 0], photometric="minisblack", compression="jpeg",
                     compressionargs={"level": 95}, tile=(32, 48), metadata=None)


def ome_xml(size, images, own, extra=""):
    """A document for images of `size` (t, c, z, y, x) with TiffData lines."""
    t, c, z, y, x = size
    pixels_of = "".join(
        f'<Image ID="Image:{index}" Name="image {index}"><Pixels ID="Pixels:{index}" DimensionOrder="XYZCT" '
        f'Type="uint16" SizeX="{x}" SizeY="{y}" SizeZ="{z}" SizeC="{c}" SizeT="{t}" PhysicalSizeX="0.5" '
        f'PhysicalSizeXUnit="µm"><Channel ID="Channel:{index}:0" SamplesPerPixel="1" Name="DAPI" '
        f'ExcitationWavelength="405" ExcitationWavelengthUnit="nm"/>'
        f'{"".join(f"""<Channel ID="Channel:{index}:{k}" SamplesPerPixel="1"/>""" for k in range(1, c))}{lines}'
        f'</Pixels></Image>' for index, lines in enumerate(images))
    return (f'<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="{own}">{extra}{pixels_of}</OME>')


def name_uuid(name):
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}"


def sets():
    """Images whose planes lie in several files, each of which carries the whole document."""
    array = pixels((2, 3, 4, 19, 26), "u2")
    names = {(t, c): f"set_T{t}_C{c}.ome.tif" for t in range(2) for c in range(3)}
    lines = "".join(
        f'<TiffData IFD="{z}" FirstZ="{z}" FirstC="{c}" FirstT="{t}" PlaneCount="1">'
        f'<UUID FileName="{name}">{name_uuid(name)}</UUID></TiffData>'
        for (t, c), name in names.items() for z in range(4))
    for (t, c), name in names.items():
        text = ome_xml((2, 3, 4, 19, 26), [lines], name_uuid(name))
        tifffile.imwrite(folder / name, array[t, c], description=text.encode(), metadata=None,
                         photometric="minisblack", compression="zlib" if c else None)
    # One document in a file of its own; the pixels' files only point at it.
    companion = "companion_set.companion.ome"
    names = [f"companion_set_Z{z}.ome.tif" for z in range(4)]
    lines = "".join(
        f'<TiffData IFD="0" FirstZ="{z}" FirstC="0" FirstT="0" PlaneCount="1">'
        f'<UUID FileName="{name}">{name_uuid(name)}</UUID></TiffData>' for z, name in enumerate(names))
    text = ome_xml((1, 1, 4, 19, 26), [lines], name_uuid(companion))
    (folder / companion).write_text(text, encoding="utf-8")
    for z, name in enumerate(names):
        link = (f'<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
                f'UUID="{name_uuid(name)}"><BinaryOnly MetadataFile="{companion}" '
                f'UUID="{name_uuid(companion)}"/></OME>')
        tifffile.imwrite(folder / name, array[0, 0, z], description=link.encode(), metadata=None,
                         photometric="minisblack")


for kind in (orders, samples, pyramids, series, imagej, shaped, storage, sets):
    kind()
