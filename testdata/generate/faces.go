package main

import (
	"fmt"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
)

// A typeface is one of the Go fonts.
type typeface int

const (
	regular typeface = iota
	bold
	italic
	mono
)

// faces holds the fonts, each in the sizes met so far.
type faces struct {
	fonts map[typeface]*opentype.Font
	sizes map[faceSize]font.Face
}

type faceSize struct {
	kind typeface
	size float64
}

func newFaces() (*faces, error) {
	f := &faces{fonts: map[typeface]*opentype.Font{}, sizes: map[faceSize]font.Face{}}
	for kind, ttf := range map[typeface][]byte{regular: goregular.TTF, bold: gobold.TTF, italic: goitalic.TTF, mono: gomono.TTF} {
		parsed, err := opentype.Parse(ttf)
		if err != nil {
			return nil, fmt.Errorf("reading a Go font: %w", err)
		}
		f.fonts[kind] = parsed
	}
	return f, nil
}

// face is a font at a size in pixels.
func (f *faces) face(kind typeface, size float64) font.Face {
	key := faceSize{kind, size}
	if f.sizes[key] == nil {
		face, err := opentype.NewFace(f.fonts[kind], &opentype.FaceOptions{Size: size, DPI: 72})
		if err != nil {
			panic(err) // NewFace has no failing input: its error is always nil
		}
		f.sizes[key] = face
	}
	return f.sizes[key]
}

// measure is the width of a line in pixels.
func (f *faces) measure(kind typeface, size float64, s string) float64 {
	return float64(font.MeasureString(f.face(kind, size), s)) / 64
}

// wrap breaks a text at its spaces into lines of at most the given width.
func (f *faces) wrap(kind typeface, size, width float64, s string) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		longer := strings.TrimSpace(line + " " + word)
		if line != "" && f.measure(kind, size, longer) > width {
			lines = append(lines, line)
			longer = word
		}
		line = longer
	}
	return append(lines, line)
}
