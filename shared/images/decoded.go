package images

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// A footprint is the memory that decoding an image needs.
type footprint struct {
	kind string // the kind of image, for messages
	// decoding is the peak memory of the decoder, in bytes per pixel: the picture that it returns, and all its temporary
	// memory.
	decoding float64
	// white is the memory of OnWhite in addition to the picture: 4 bytes per pixel if the picture may be transparent.
	white float64
	// fixed is additional memory of the decoder in bytes, which does not depend on the pixels: for a TIFF, its blocks.
	fixed int64
}

// onWhite is the number of bytes per pixel of the picture that OnWhite makes.
const onWhite = 4

// A Size is the size of an image in pixels, and the memory that decoding it needs.
type Size struct {
	Width, Height int // in pixels
	// Decoded is the peak memory, in bytes, for decoding the image and laying it on a white background.
	Decoded int64
	kind    string // the kind of image, for messages: "a progressive JPEG"
}

// Measure reads the size of an encoded image from its header, without decoding it. The fault is that of Check.
func Measure(data []byte) (Size, *dataset.Fault) {
	header, format, err := image.DecodeConfig(openEncoded(data))
	if err != nil {
		return Size{}, decodingFault(data, err)
	}
	if header.Width <= 0 || header.Height <= 0 {
		return Size{}, &dataset.Fault{Code: Undecodable, Detail: fmt.Sprintf(
			"its header states a size of %d x %d pixels; store the image again", header.Width, header.Height)}
	}
	size := Size{Width: header.Width, Height: header.Height}
	size.Decoded, size.kind = decodedBytes(data, header, format)
	return size, nil
}

func decodedBytes(data []byte, header image.Config, format string) (int64, string) {
	var f footprint
	align := 1
	switch format {
	case "jpeg":
		f, align = jpegFootprint(data, header.ColorModel), 32 // the largest unit of a scan has 32 x 16 pixels
	case "png":
		f = pngFootprint(data)
	case "gif":
		f = footprint{kind: "a GIF", decoding: 2, white: onWhite} // colour indexes, and a copy to sort interlaced rows
	case "webp":
		f, align = webpFootprint(data), 16 // macroblocks
	case "bmp":
		f = bmpFootprint(data)
	default:
		f = tiffFootprint(data, header)
	}
	up := func(side int) float64 { return float64((side + align - 1) / align * align) }
	return int64(up(header.Width)*up(header.Height)*(f.decoding+f.white)) + f.fixed, f.kind
}

// jpegFootprint returns the memory of image/jpeg. Each sample of a component takes one byte. With subsampled chroma, a
// pixel has less than three samples. For a progressive image, the decoder keeps all coefficients until the end, with
// four bytes each. A picture in RGB or CMYK is made from the planes, and takes four more bytes per pixel.
func jpegFootprint(data []byte, model color.Model) footprint {
	samples, progressive := jpegFrame(data)
	f := footprint{kind: "a JPEG", decoding: samples}
	if progressive {
		f = footprint{kind: "a progressive JPEG", decoding: 5 * samples}
	}
	// With marker APP14, three components are RGB. The marker may come after the header from which model was read.
	if model == color.RGBAModel || model == color.CMYKModel || bytes.Contains(data, []byte("\xff\xee")) {
		f.decoding += 4
		f.kind += " in RGB or CMYK"
	}
	return f
}

// jpegFrame reads the header of a JPEG's frame (ISO/IEC 10918-1, B.2.2). It returns the number of samples per pixel,
// and whether the frame is progressive. If the header is incomplete, it returns the values with the largest memory: 4
// samples, progressive.
func jpegFrame(data []byte) (samples float64, progressive bool) {
	const most = 4
	at := jpegFrameAt(data)
	if at < 0 || at+10 > len(data) {
		return most, true
	}
	components := int(data[at+9])
	if components == 1 {
		return 1, data[at+1] == 0xc2 // the sampling factors of a single component have no effect
	}
	var area, across, down int
	for i := range components {
		if at+12+3*i > len(data) {
			return most, true
		}
		h, v := int(data[at+11+3*i]>>4), int(data[at+11+3*i]&15)
		area, across, down = area+h*v, max(across, h), max(down, v)
	}
	if across*down == 0 {
		return most, true
	}
	return float64(area) / float64(across*down), data[at+1] == 0xc2
}

// pngFootprint returns the memory of image/png. An interlaced image takes twice the memory, because the decoder also
// keeps its passes.
func pngFootprint(data []byte) footprint {
	const depthAt, colourAt, interlaceAt = 24, 25, 28
	if len(data) <= interlaceAt {
		return footprint{kind: "a PNG", decoding: 16, white: onWhite}
	}
	colour := data[colourAt]
	f := footprint{kind: "a PNG", decoding: 4}
	transparent := bytes.Contains(data, []byte("tRNS"))
	switch {
	case colour == 3, colour == 0 && !transparent:
		f.decoding = 1
	}
	if data[depthAt] == 16 {
		f.decoding, f.kind = 2*f.decoding, "a PNG of 16 bits"
	}
	if data[interlaceAt] != 0 {
		f.decoding, f.kind = 2*f.decoding, "an interlaced"+f.kind[1:]
	}
	if transparent || colour == 4 || colour == 6 {
		f.white = onWhite
	}
	return f
}

// webpFootprint returns the memory of golang.org/x/image/webp. A lossy picture has planes, with chroma of half the
// size. A lossless picture has four bytes per pixel, and four more after the transform from colour indexes. The alpha
// plane of a lossy picture is decoded like a lossless picture. The first frame of an animation is copied onto its
// canvas.
func webpFootprint(data []byte) footprint {
	const lossy, lossless, alpha, vp8xFlagsAt = 2, 9, 2 + 9 + 1, riffHeader + chunkHeader
	switch {
	case isAnimatedWebP(data):
		return footprint{kind: "an animated WebP", decoding: alpha + 4, white: onWhite}
	case len(data) > vp8xFlagsAt && data[15] == 'X' && data[vp8xFlagsAt]&vp8xAlpha != 0:
		return footprint{kind: "a WebP with alpha", decoding: alpha, white: onWhite}
	case bytes.Contains(data, []byte("VP8L")):
		return footprint{kind: "a lossless WebP", decoding: lossless, white: onWhite}
	default:
		return footprint{kind: "a WebP", decoding: lossy}
	}
}

// bmpFootprint returns the memory of golang.org/x/image/bmp.
func bmpFootprint(data []byte) footprint {
	const bitsAt = 28
	switch {
	case len(data) > bitsAt && data[bitsAt] <= 8:
		return footprint{kind: "a BMP with a palette", decoding: 1}
	case len(data) > bitsAt && data[bitsAt] == 24:
		return footprint{kind: "a BMP", decoding: 4}
	default:
		return footprint{kind: "a BMP of 32 bits", decoding: 4, white: onWhite}
	}
}

// Tags of TIFF 6.0 that have the size of blocks.
const (
	tagRowsPerStrip = 278
	tagTileWidth    = 322
	tagTileLength   = 323
)

// tiffFootprint returns the memory of golang.org/x/image/tiff. A compressed block (a strip or a tile) is decompressed
// into a buffer of at most 8 bytes per pixel. The buffer grows by doubling, so all buffers together take up to four
// times this size. An uncompressed block is not larger than the file. It is read into a buffer that may be copied once.
func tiffFootprint(data []byte, header image.Config) footprint {
	f := footprint{kind: "a TIFF"}
	switch header.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model:
		f.decoding, f.white, f.kind = 8, onWhite, "a TIFF of 16 bits"
	case color.RGBAModel, color.NRGBAModel:
		f.decoding, f.white = 4, onWhite
	case color.Gray16Model:
		f.decoding, f.kind = 2, "a TIFF of 16 bits"
	default:
		f.decoding = 1
	}
	const pixelOfBlock = 4 * 8
	order := binary.ByteOrder(binary.LittleEndian)
	if bytes.HasPrefix(data, []byte("MM")) {
		order = binary.BigEndian
	}
	tags := tiffTags(data, order)
	width, height := int64(header.Width), int64(header.Height)
	if rows := int64(tags[tagRowsPerStrip]); rows > 0 {
		height = min(height, rows)
	}
	if across := int64(tags[tagTileWidth]); across > 0 {
		// A tile may be larger than the picture by its padding, or have up to 1,024 pixels a side.
		width = min(across, max(width+16, 1024))
		height = min(int64(tags[tagTileLength]), max(int64(header.Height)+16, 1024))
	}
	f.fixed = pixelOfBlock * width * height
	if packed := tags[tagCompression] != 1; !packed {
		f.fixed = min(f.fixed, 3*int64(len(data)))
	} else if width*height >= int64(header.Width)*int64(header.Height) {
		f.kind += " packed in one block"
	}
	return f
}
