package images

import (
	"bytes"
	"encoding/binary"
	"io"
)

// Lengths and marks of GIF89a.
const (
	gifScreen     = 13 // bytes of the signature and the logical screen
	gifDescriptor = 10 // bytes of an image's descriptor
	gifExtension  = 0x21
	gifImage      = 0x2c
)

// openEncoded returns a reader of an encoded image for the standard decoders. If the first frame of a GIF is larger
// than its canvas, the reader enlarges the canvas, as Pillow does.
func openEncoded(data []byte) io.Reader {
	width, height, ok := gifFrame(data)
	if !ok {
		return bytes.NewReader(data)
	}
	screen := bytes.Clone(data[:gifScreen])
	binary.LittleEndian.PutUint16(screen[6:], max(width, binary.LittleEndian.Uint16(screen[6:])))
	binary.LittleEndian.PutUint16(screen[8:], max(height, binary.LittleEndian.Uint16(screen[8:])))
	return io.MultiReader(bytes.NewReader(screen), bytes.NewReader(data[gifScreen:]))
}

// gifFrame returns the right and the lower border of a GIF's first frame, in pixels. ok is false if there is no frame,
// or if it exceeds the largest canvas.
func gifFrame(data []byte) (right, lower uint16, ok bool) {
	if len(data) < gifScreen || !bytes.HasPrefix(data, []byte("GIF8")) {
		return 0, 0, false
	}
	at := gifScreen
	if flags := data[10]; flags&0x80 != 0 {
		at += 3 << (flags&7 + 1)
	}
	for at+1 < len(data) && data[at] == gifExtension {
		at += 2 // the mark and the label
		for at < len(data) && data[at] != 0 {
			at += 1 + int(data[at])
		}
		at++
	}
	if at+gifDescriptor > len(data) || data[at] != gifImage {
		return 0, 0, false
	}
	side := func(offset, length int) int {
		return int(binary.LittleEndian.Uint16(data[at+offset:])) + int(binary.LittleEndian.Uint16(data[at+length:]))
	}
	x, y := side(1, 5), side(3, 7)
	return uint16(x), uint16(y), x < 1<<16 && y < 1<<16
}
