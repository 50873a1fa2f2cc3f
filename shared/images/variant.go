package images

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// unreadVariant returns the variant of an image, such as "BMP compressed with RLE", if the decoder supports the format
// but not this variant. Otherwise it returns "".
func unreadVariant(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte("II*\x00")):
		return tiffVariant(data, binary.LittleEndian)
	case bytes.HasPrefix(data, []byte("MM\x00*")):
		return tiffVariant(data, binary.BigEndian)
	case bytes.HasPrefix(data, []byte("BM")):
		return bmpVariant(data)
	case bytes.HasPrefix(data, []byte("\xff\xd8")):
		return jpegVariant(data)
	default:
		return ""
	}
}

// Tags of TIFF 6.0.
const (
	tagBits         = 258
	tagCompression  = 259
	tagPhotometric  = 262
	tagSamples      = 277
	tagPlanar       = 284
	tagSampleFormat = 339
)

// tiffCompressions are compressions that golang.org/x/image/tiff does not support.
var tiffCompressions = map[uint32]string{
	6: "JPEG (old style)", 7: "JPEG", 9: "JBIG", 10: "JBIG", 34661: "JBIG", 34712: "JPEG 2000", 33003: "JPEG 2000",
	33005: "JPEG 2000", 34887: "LERC", 34925: "LZMA", 34676: "SGI LogLuv", 34677: "SGI LogLuv", 50000: "Zstandard",
	50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}

var tiffColours = map[uint32]string{
	4: "with a transparency mask", 5: "in CMYK", 6: "in YCbCr", 8: "in CIELab", 9: "in ICCLab",
	32803: "of raw sensor data", 32844: "in LogL", 32845: "in LogLuv",
}

func tiffVariant(data []byte, order binary.ByteOrder) string {
	tags := tiffTags(data, order)
	compression, photometric, bits := tags[tagCompression], tags[tagPhotometric], tags[tagBits]
	if name, ok := tiffCompressions[compression]; ok {
		return "TIFF compressed with " + name
	}
	if !slices.Contains([]uint32{0, 1, 2, 3, 4, 5, 8, 32773, 32946}, compression) {
		return fmt.Sprintf("TIFF with compression %d", compression)
	}
	switch tags[tagSampleFormat] {
	case 2:
		return "TIFF with signed samples"
	case 3:
		return "TIFF with floating-point samples"
	case 5, 6:
		return "TIFF with complex samples"
	}
	colour, other := tiffColours[photometric]
	switch {
	case other:
		return "TIFF " + colour
	case tags[tagPlanar] == 2 && tags[tagSamples] > 1:
		return "TIFF with separate colour planes"
	case bits != 0 && bits != 1 && bits != 8 && bits != 16:
		return fmt.Sprintf("TIFF with %d bits a sample", bits)
	default:
		return ""
	}
}

// tiffTags maps the tags in a TIFF's first directory to their first values. Only tags of the types byte, short and long
// are included.
func tiffTags(data []byte, order binary.ByteOrder) map[uint16]uint32 {
	tags := map[uint16]uint32{}
	if len(data) < 8 {
		return tags
	}
	at := uint64(order.Uint32(data[4:]))
	if at+2 > uint64(len(data)) {
		return tags
	}
	count := order.Uint16(data[at:])
	at += 2
	for range count {
		if at+12 > uint64(len(data)) {
			break
		}
		entry := data[at : at+12]
		at += 12
		kind, values, value := order.Uint16(entry[2:]), uint64(order.Uint32(entry[4:])), entry[8:]
		size := map[uint16]uint64{1: 1, 3: 2, 4: 4}[kind]
		if size*values > 4 { // the entry has the offset of the values
			place := uint64(order.Uint32(value))
			if place+size > uint64(len(data)) {
				continue
			}
			value = data[place:]
		}
		if values == 0 {
			continue
		}
		switch kind {
		case 1:
			tags[order.Uint16(entry)] = uint32(value[0])
		case 3:
			tags[order.Uint16(entry)] = uint32(order.Uint16(value))
		case 4:
			tags[order.Uint16(entry)] = order.Uint32(value)
		}
	}
	return tags
}

func bmpVariant(data []byte) string {
	if len(data) < 34 {
		return ""
	}
	header, bits := binary.LittleEndian.Uint32(data[14:]), binary.LittleEndian.Uint16(data[28:])
	switch compression := binary.LittleEndian.Uint32(data[30:]); {
	case header == 12:
		return "BMP of OS/2 1.x"
	case header == 16 || header == 64:
		return "BMP of OS/2 2.x"
	case compression == 1 || compression == 2:
		return "BMP compressed with RLE"
	case compression == 4:
		return "BMP with JPEG inside"
	case compression == 5:
		return "BMP with PNG inside"
	case bits == 16:
		return "BMP with 16 bits a pixel"
	case compression == 3 || compression == 6:
		return "BMP with colour masks"
	case header != 40 && header != 108 && header != 124:
		return fmt.Sprintf("BMP with a header of %d bytes", header)
	default:
		return ""
	}
}

// jpegVariant finds the variant of a JPEG from the marker that begins its frame.
func jpegVariant(data []byte) string {
	at := jpegFrameAt(data)
	if at < 0 {
		return ""
	}
	switch marker := data[at+1]; {
	case marker == 0xc3 || marker == 0xf7:
		return "lossless JPEG"
	case marker >= 0xc5 && marker <= 0xc7:
		return "hierarchical JPEG"
	case marker >= 0xc9:
		return "JPEG with arithmetic coding"
	}
	if depth := data[at+4]; depth != 8 {
		return fmt.Sprintf("JPEG with %d bits a sample", depth)
	}
	return ""
}

// jpegFrameAt returns the offset of the marker that begins a JPEG's frame (ISO/IEC 10918-1, table B.1). At least 5
// bytes follow from there. It returns -1 if there is no such marker before the first scan.
func jpegFrameAt(data []byte) int {
	for at := 2; at+5 <= len(data) && data[at] == 0xff; {
		switch marker := data[at+1]; {
		case marker == 0xff: // a fill byte
			at++
			continue
		case marker >= 0xd0 && marker <= 0xd7: // a restart marker has no length, and decoders skip it
			at += 2
			continue
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc, marker == 0xf7:
			return at
		case marker == 0xda, marker == 0xd9, marker == 0:
			return -1
		}
		at += 2 + int(binary.BigEndian.Uint16(data[at+2:]))
	}
	return -1
}
