// Package imagetest makes images that are small as files and large in memory, for tests of the memory that decoding
// needs. Each image has one colour.
package imagetest

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
)

// JPEG returns a JPEG with 1, 3 or 4 components; with 4 it is in CMYK. sampling has the sampling factors of the first
// component, such as 0x22. The JPEG is progressive or baseline. width and height are 1 to 65,535.
func JPEG(width, height, components int, sampling byte, progressive bool) []byte {
	out := []byte{0xff, 0xd8}
	segment := func(marker byte, content ...byte) {
		out = binary.BigEndian.AppendUint16(append(out, 0xff, marker), uint16(len(content)+2))
		out = append(out, content...)
	}
	if components == 4 {
		segment(0xee, []byte("Adobe\x00\x64\x00\x00\x00\x00\x00")...)
	}
	segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)
	frame := []byte{8, byte(height >> 8), byte(height), byte(width >> 8), byte(width), byte(components)}
	scan := []byte{byte(components)}
	blocks := 0 // number of blocks in a unit of the scan
	for i := range components {
		factors := byte(0x11)
		if i == 0 || i == 3 {
			factors = sampling
		}
		frame = append(frame, byte(i+1), factors, 0)
		scan = append(scan, byte(i+1), 0)
		blocks += int(factors>>4) * int(factors&15)
	}
	marker, last, bits := byte(0xc0), byte(63), 2 // one bit for a block's mean, one for the end of its values
	if progressive {
		marker, last, bits = 0xc2, 0, 1
	}
	segment(marker, frame...)
	for _, table := range []byte{0x00, 0x10} { // one code of one bit: no value follows
		segment(0xc4, append([]byte{table, 1}, make([]byte, 16)...)...)
	}
	segment(0xda, append(scan, 0, last, 0)...)
	across, down := int(sampling>>4)*8, int(sampling&15)*8
	if components == 1 {
		across, down, blocks = 8, 8, 1
	}
	units := ((width + across - 1) / across) * ((height + down - 1) / down)
	out = append(out, make([]byte, (units*blocks*bits+7)/8)...)
	return append(out, 0xff, 0xd9)
}

// PNG returns a PNG with 8 or 16 bits per sample, and one of PNG's colour types: 0, 2, 4 or 6. It is not filtered.
func PNG(width, height int, bits, colour byte) []byte {
	out := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(name string, content []byte) {
		out = binary.BigEndian.AppendUint32(out, uint32(len(content)))
		from := len(out)
		out = append(append(out, name...), content...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[from:]))
	}
	header := binary.BigEndian.AppendUint32(nil, uint32(width))
	header = binary.BigEndian.AppendUint32(header, uint32(height))
	chunk("IHDR", append(header, bits, colour, 0, 0, 0))
	samples := map[byte]int{0: 1, 2: 3, 4: 2, 6: 4}[colour]
	var packed bytes.Buffer
	// Errors are ignored, because it writes to memory with a valid level.
	w, _ := zlib.NewWriterLevel(&packed, zlib.BestSpeed)
	row := make([]byte, 1+width*samples*int(bits)/8)
	for range height {
		w.Write(row)
	}
	w.Close()
	chunk("IDAT", packed.Bytes())
	chunk("IEND", nil)
	return out
}

// LosslessWebP returns a lossless WebP, with a palette if indexed is true. width and height are 1 to 16,384.
func LosslessWebP(width, height int, indexed bool) []byte {
	var b bitWriter
	b.write(0x2f, 8)
	b.write(width-1, 14)
	b.write(height-1, 14)
	b.write(1, 1) // alpha is used
	b.write(0, 3)
	b.picture(indexed)
	return RIFF("VP8L", b.bytes)
}

// WebPWithAlpha returns a lossy WebP whose alpha plane is a lossless picture with a palette. frame is the content of a
// VP8 chunk of that width and height.
func WebPWithAlpha(width, height int, frame []byte) []byte {
	var b bitWriter
	b.write(1, 8) // compressed, not filtered
	b.picture(true)
	header := []byte{1 << 4, 0, 0, 0}
	for _, side := range []int{width - 1, height - 1} {
		header = append(header, byte(side), byte(side>>8), byte(side>>16))
	}
	return RIFF("VP8X", header, "ALPH", b.bytes, "VP8 ", frame)
}

// RIFF returns a WebP file with chunks. A chunk has a name and a content. more has names and contents of further
// chunks.
func RIFF(first string, content []byte, more ...any) []byte {
	out := []byte("RIFF\x00\x00\x00\x00WEBP")
	chunks := append([]any{first, content}, more...)
	for i := 0; i+1 < len(chunks); i += 2 {
		name, _ := chunks[i].(string)
		content, _ := chunks[i+1].([]byte)
		out = binary.LittleEndian.AppendUint32(append(out, name...), uint32(len(content)))
		out = append(out, content...)
		out = append(out, make([]byte, len(content)%2)...)
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}

// A bitWriter writes the lowest bits first.
type bitWriter struct {
	bytes []byte
	used  int // number of bits used in the last byte
}

func (b *bitWriter) write(value, bits int) {
	for i := range bits {
		if b.used == 0 {
			b.bytes = append(b.bytes, 0)
		}
		b.bytes[len(b.bytes)-1] |= byte(value>>i&1) << b.used
		b.used = (b.used + 1) % 8
	}
}

// picture writes the stream of a lossless picture of one colour.
func (b *bitWriter) picture(indexed bool) {
	if indexed {
		b.write(1, 1)
		b.write(3, 2)
		b.write(255, 8) // 256 colours: one index per pixel
		b.write(0, 1)   // no cache of colours
		b.codes()
	}
	b.write(0, 1) // no other transform
	b.write(0, 1) // no cache of colours
	b.write(0, 1) // one group of codes
	b.codes()
	b.write(0, 64)
}

// codes writes five codes with one symbol each. Such a symbol takes no bits in the picture.
func (b *bitWriter) codes() {
	for range 5 {
		b.write(1, 4) // simple, one symbol, of one bit, which is 0
	}
}
