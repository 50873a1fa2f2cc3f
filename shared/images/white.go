package images

import (
	"image"
	"image/draw"
)

// Version names how pixels are made of bytes, by Decode and OnWhite. It is part of the ids of scorers that look at
// pixels in Go: raise it with every change that can change a rating.
const Version = "2"

// OnWhite lays a picture on a white ground, as pages and browsers show it; black ink on a transparent ground would be
// black on black otherwise. An opaque picture is returned as it is. Scorers that look at pixels in Go use it: embedded
// and llm. The gpu scorer sends files as they are, because the reference drops transparency without compositing.
func OnWhite(picture image.Image) image.Image {
	if known, ok := picture.(interface{ Opaque() bool }); ok && known.Opaque() {
		return picture
	}
	bounds := picture.Bounds()
	flat := image.NewRGBA(bounds)
	draw.Draw(flat, bounds, image.White, image.Point{}, draw.Src)
	draw.Draw(flat, bounds, picture, bounds.Min, draw.Over)
	return flat
}
