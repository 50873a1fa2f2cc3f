package images

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/draw"
	"io"

	"golang.org/x/image/webp"
)

// Lengths and flags of the WebP container (RFC 9649).
const (
	riffHeader   = 12 // bytes of RIFF, the length and WEBP
	chunkHeader  = 8  // bytes of a chunk's name and length
	vp8xLength   = 10
	anmfLength   = 16 // bytes of a frame before its chunks
	vp8xAnimated = 1 << 1
	vp8xAlpha    = 1 << 4
)

// isAnimatedWebP reports whether data is an animated WebP, which golang.org/x/image/webp does not support.
func isAnimatedWebP(data []byte) bool {
	return len(data) >= riffHeader+chunkHeader+vp8xLength && string(data[:4]) == "RIFF" &&
		string(data[8:16]) == "WEBPVP8X" && data[riffHeader+chunkHeader]&vp8xAnimated != 0
}

// firstWebPFrame decodes the first frame of an animated WebP onto its canvas. The canvas is transparent outside of the
// frame.
func firstWebPFrame(data []byte) (image.Image, error) {
	header := data[riffHeader+chunkHeader:]
	canvas := image.Rect(0, 0, uint24(header[4:])+1, uint24(header[7:])+1)
	frame, err := findChunk(data[riffHeader:], "ANMF")
	if err != nil {
		return nil, err
	}
	if len(frame) < anmfLength {
		return nil, io.ErrUnexpectedEOF
	}
	corner := image.Pt(2*uint24(frame), 2*uint24(frame[3:]))
	size := image.Pt(uint24(frame[6:])+1, uint24(frame[9:])+1)
	bounds := image.Rectangle{Min: corner, Max: corner.Add(size)}
	if !bounds.In(canvas) {
		return nil, errors.New("webp: the first frame exceeds the canvas")
	}
	picture, err := webp.Decode(bytes.NewReader(stillWebP(frame)))
	if err != nil || bounds == canvas {
		return picture, err
	}
	whole := image.NewNRGBA(canvas)
	draw.Draw(whole, bounds, picture, picture.Bounds().Min, draw.Src)
	return whole, nil
}

// stillWebP returns the frame of an animation as a WebP file. Its header has the size of the frame, because the decoder
// compares it with the frame's data.
func stillWebP(frame []byte) []byte {
	chunks := frame[anmfLength:]
	header := make([]byte, vp8xLength)
	if bytes.HasPrefix(chunks, []byte("ALPH")) {
		header[0] = vp8xAlpha
	}
	copy(header[4:], frame[6:12])
	still := []byte("RIFF\x00\x00\x00\x00WEBPVP8X")
	still = binary.LittleEndian.AppendUint32(still, vp8xLength)
	still = append(append(still, header...), chunks...)
	binary.LittleEndian.PutUint32(still[4:], uint32(len(still)-chunkHeader))
	return still
}

// findChunk returns the content of the first chunk with this name. The error is io.ErrUnexpectedEOF if there is no such
// chunk.
func findChunk(chunks []byte, name string) ([]byte, error) {
	for len(chunks) >= chunkHeader {
		length := uint64(binary.LittleEndian.Uint32(chunks[4:]))
		content := chunks[chunkHeader:]
		if length > uint64(len(content)) {
			return nil, io.ErrUnexpectedEOF
		}
		if string(chunks[:4]) == name {
			return content[:length], nil
		}
		chunks = content[min(length+length%2, uint64(len(content))):]
	}
	return nil, io.ErrUnexpectedEOF
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
