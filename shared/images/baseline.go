package images

import (
	"bytes"
	"encoding/binary"
	"image"
)

// Markers of JPEG (ISO/IEC 10918-1, table B.1).
const (
	markerSOF0  = 0xc0 // a baseline frame
	markerDHT   = 0xc4
	markerSOI   = 0xd8
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerDQT   = 0xdb
	markerDRI   = 0xdd
	markerAPP0  = 0xe0
	markerAPP14 = 0xee
	markerAPP15 = 0xef
	markerCOM   = 0xfe
)

// A baseline is a JPEG of the usual kind: 8 bits, baseline, grey or with two planes of chroma, in one scan without
// restart markers.
type baseline struct {
	width, height int
	planes        []jpegPlane
	quants        [4]*coefficients    // the quantisation tables, in zigzag order
	codes         [2][2]*huffmanCodes // of the first coefficients of blocks, and of the others
}

// A jpegPlane is a component of a JPEG: its brightness, or one of the two parts of its colour.
type jpegPlane struct {
	id            byte
	across, down  int // blocks in a unit of the scan
	quantSelector byte
	quant         *coefficients
	dc, ac        *huffmanCodes
	pixels        []byte
	stride        int
}

// decodeBaseline decodes a JPEG of the usual kind in half the time of image/jpeg. The picture is equal to that of
// image/jpeg in every byte. It returns nil for any other file, and if something in the file is unusual, damaged or
// missing: then image/jpeg decodes the file or finds its fault.
func decodeBaseline(data []byte) image.Image {
	b := &baseline{}
	scan := b.header(data)
	if !bytes.Contains(scan, []byte{0xff, markerEOI}) { // cut short; do not allocate the picture twice
		return nil
	}
	picture := b.allocate()
	if !b.decode(&bitReader{data: scan}) {
		return nil
	}
	return picture
}

// header reads the segments before the scan's data. It returns the data; nil if the file is not of the usual kind.
func (b *baseline) header(data []byte) []byte {
	if len(data) < 2 || data[0] != 0xff || data[1] != markerSOI {
		return nil
	}
	for at := 2; at+4 <= len(data) && data[at] == 0xff; {
		marker, length := data[at+1], int(binary.BigEndian.Uint16(data[at+2:]))
		if length < 2 || at+2+length > len(data) {
			return nil
		}
		segment := data[at+4 : at+2+length]
		at += 2 + length
		if marker == markerSOS && b.scan(segment) {
			return data[at:]
		}
		if marker == markerSOS || !b.segment(marker, segment) {
			return nil
		}
	}
	return nil
}

// segment reads a segment before the scan. It reports whether the segment is usual.
func (b *baseline) segment(marker byte, segment []byte) bool {
	switch marker {
	case markerSOF0:
		return b.frame(segment)
	case markerDHT:
		return b.huffman(segment)
	case markerDQT:
		return b.quantisation(segment)
	case markerDRI:
		return len(segment) == 2 && segment[0] == 0 && segment[1] == 0
	case markerAPP14: // Adobe's, which can mean RGB
		return false
	default:
		return marker >= markerAPP0 && marker <= markerAPP15 || marker == markerCOM
	}
}

// frame reads the header of the frame (B.2.2).
func (b *baseline) frame(segment []byte) bool {
	if b.planes != nil || len(segment) < 9 || segment[0] != 8 {
		return false
	}
	b.height, b.width = int(binary.BigEndian.Uint16(segment[1:])), int(binary.BigEndian.Uint16(segment[3:]))
	count := int(segment[5])
	if b.height == 0 || b.width == 0 || count != 1 && count != 3 || len(segment) != 6+3*count {
		return false
	}
	for part := segment[6:]; len(part) > 0; part = part[3:] {
		p := jpegPlane{id: part[0], across: int(part[1] >> 4), down: int(part[1] & 15), quantSelector: part[2]}
		if p.quantSelector > 3 {
			return false
		}
		b.planes = append(b.planes, p)
	}
	first := &b.planes[0]
	if count == 1 {
		usual := first.across >= 1 && first.across <= 2 && first.down >= 1 && first.down <= 2
		first.across, first.down = 1, 1 // the sampling factors of a single component have no effect
		return usual
	}
	blue, red := &b.planes[1], &b.planes[2]
	named := first.id != blue.id && first.id != red.id && blue.id != red.id
	isRGB := first.id == 'R' && blue.id == 'G' && red.id == 'B'
	return named && !isRGB && b.ratio() >= 0 && blue.across*blue.down == 1 && red.across*red.down == 1
}

// ratio returns how chroma is subsampled; -1 for unusual ratios.
func (b *baseline) ratio() image.YCbCrSubsampleRatio {
	switch [2]int{b.planes[0].across, b.planes[0].down} {
	case [2]int{1, 1}:
		return image.YCbCrSubsampleRatio444
	case [2]int{2, 1}:
		return image.YCbCrSubsampleRatio422
	case [2]int{2, 2}:
		return image.YCbCrSubsampleRatio420
	default:
		return -1
	}
}

// quantisation reads quantisation tables (B.2.4.1).
func (b *baseline) quantisation(segment []byte) bool {
	for len(segment) > 0 {
		selector := segment[0]
		if selector > 3 || len(segment) < 1+len(coefficients{}) { // other selectors have 16 bits
			return false
		}
		table := new(coefficients)
		for i := range table {
			table[i] = int32(segment[1+i])
		}
		b.quants[selector] = table
		segment = segment[1+len(table):]
	}
	return true
}

// scan reads the header of the scan (B.2.3).
func (b *baseline) scan(segment []byte) bool {
	count := len(b.planes)
	if count == 0 || len(segment) != 4+2*count || int(segment[0]) != count {
		return false
	}
	for i := range b.planes {
		p, id, selectors := &b.planes[i], segment[1+2*i], segment[2+2*i]
		if id != p.id || selectors&^0x11 != 0 {
			return false
		}
		p.quant = b.quants[p.quantSelector]
		p.dc, p.ac = b.codes[0][selectors>>4], b.codes[1][selectors&15]
		if p.quant == nil || p.dc == nil || p.ac == nil {
			return false
		}
	}
	return true
}

// units returns the number of units of the scan in a row and in a column.
func (b *baseline) units() (across, down int) {
	wide, high := 8*b.planes[0].across, 8*b.planes[0].down
	return (b.width + wide - 1) / wide, (b.height + high - 1) / high
}

// allocate makes the picture, and returns it without the parts of blocks that are outside.
func (b *baseline) allocate() image.Image {
	across, down := b.units()
	first := &b.planes[0]
	whole, shown := image.Rect(0, 0, 8*first.across*across, 8*first.down*down), image.Rect(0, 0, b.width, b.height)
	if len(b.planes) == 1 {
		m := image.NewGray(whole)
		first.pixels, first.stride = m.Pix, m.Stride
		return m.SubImage(shown)
	}
	m := image.NewYCbCr(whole, b.ratio())
	first.pixels, first.stride = m.Y, m.YStride
	b.planes[1].pixels, b.planes[1].stride = m.Cb, m.CStride
	b.planes[2].pixels, b.planes[2].stride = m.Cr, m.CStride
	return m.SubImage(shown)
}

// decode decodes the scan into the planes. It reports whether the data end with the picture and the file's last marker.
func (b *baseline) decode(r *bitReader) bool {
	across, down := b.units()
	var block coefficients
	var before [3]int32
	for y := range down {
		for x := range across {
			for i := range b.planes {
				p := &b.planes[i]
				for j := range p.across * p.down {
					filled, ok := r.block(&block, p, &before[i])
					if !ok {
						return false
					}
					column, row := x*p.across+j%p.across, y*p.down+j/p.across
					block.transform(filled, p.pixels[8*(row*p.stride+column):], p.stride)
				}
			}
		}
	}
	return r.ended()
}
