package similarity

import (
	"encoding/base64"
	"fmt"
	"image"
	"math"
)

const (
	// waves is the number of frequencies of the miniature that are used in each direction.
	waves = 16
	// leastContrast is the least standard deviation of the brightness, in levels of 0 to 255, of a picture that can be
	// compared.
	leastContrast = 1.5
	// leastWave is the least amplitude of a frequency, in levels times cells, for which its bit is set. The noise of
	// compression has smaller amplitudes, and so have the rounding errors of frequencies that do not occur.
	leastWave = 16
	// lightSide and colourSide are the numbers of cells in a row of Light and of Colour.
	lightSide, colourSide = 8, 4
)

// An Image is a summary of a picture for finding near pictures. The zero Image is for a picture without content, such
// as a white one. It is not near to any picture; it matches only a file with equal bytes.
type Image struct {
	// Shape has the signs of the 255 lowest frequencies of the brightness (the perceptual hash of Zauner, 2010, with 16 x
	// 16 frequencies instead of 8 x 8).
	Shape Signature
	// Light is the mean brightness of 8 x 8 cells, row by row, in levels of 0 to 255.
	Light [lightSide * lightSide]uint8
	// Colour is the mean difference of blue from the brightness (Cb of JFIF) in 4 x 4 cells, row by row, and then the same
	// for red (Cr).
	Colour [2 * colourSide * colourSide]uint8
}

// OfImage returns the Image of a picture that is on a white background. It turns the picture by its EXIF orientation, 1
// to 8 (1 is upright).
func OfImage(picture image.Image, orientation int) (kept Image) {
	m := reduce(picture)
	sum, squares := 0.0, 0.0
	for _, row := range m.luma {
		for _, v := range row {
			sum += v
			squares += float64(v * v) // without the conversion, some processors fuse product and sum
		}
	}
	const cells = gridSide * gridSide
	if variance := squares/cells - float64(sum/cells*sum/cells); variance < leastContrast*leastContrast {
		return Image{}
	}
	for _, p := range []*plane{&m.luma, &m.blue, &m.red} {
		p.turn(orientation)
	}
	kept.Shape = signs(&m.luma)
	m.luma.means(lightSide, kept.Light[:])
	m.blue.means(colourSide, kept.Colour[:colourSide*colourSide])
	m.red.means(colourSide, kept.Colour[colourSide*colourSide:])
	return kept
}

// cosines are the factors of the discrete cosine transform (DCT-II) of gridSide values. cosines[k][x] is the factor of
// the value at x for frequency k.
var cosines = func() (table [waves][gridSide]float64) {
	for k := range table {
		for x := range table[k] {
			table[k][x] = math.Cos(math.Pi * float64(k) * (float64(x) + 0.5) / gridSide)
		}
	}
	return table
}()

// signs returns the signs of the lowest frequencies of the brightness, without the first frequency, which is the mean.
func signs(grey *plane) (s Signature) {
	var rows [gridSide][waves]float64
	for y := range grey {
		for k := range waves {
			sum := 0.0
			for x, v := range grey[y] {
				sum += float64(v * cosines[k][x])
			}
			rows[y][k] = sum
		}
	}
	for down := range waves {
		for across := range waves {
			sum := 0.0
			for y := range rows {
				sum += float64(rows[y][across] * cosines[down][y])
			}
			// The positions of the bits are mixed, so that each order of an Index has bits of high and of low frequencies.
			if i := down*waves + across; i > 0 && sum > leastWave {
				s.set(i * 37 % Bits)
			}
		}
	}
	s.set(0) // a picture with content never has the zero signature
	return s
}

// differences returns the largest difference between equal cells of two images, in brightness and in colour. The
// difference in colour is 0 if one of the images is grey.
func (a Image) differences(b Image) (light, colour int) {
	for i := range a.Light {
		light = max(light, apart(a.Light[i], b.Light[i]))
	}
	if a.grey() || b.grey() {
		return light, 0
	}
	for i := range a.Colour {
		colour = max(colour, apart(a.Colour[i], b.Colour[i]))
	}
	return light, colour
}

func apart(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }

// leastColour is the least distance of a mean from grey at which an image has colour.
const leastColour = 3

func (a Image) grey() bool {
	for _, c := range a.Colour {
		if apart(c, 128) >= leastColour {
			return false
		}
	}
	return true
}

// imageBytes is the length of the bytes that String encodes.
const imageBytes = Bits/8 + lightSide*lightSide + 2*colourSide*colourSide

// String returns the image in base64; empty for the zero Image.
func (a Image) String() string {
	if a.Shape.IsZero() {
		return ""
	}
	data := make([]byte, 0, imageBytes)
	data = append(a.Shape.append(data), a.Light[:]...)
	return base64.RawStdEncoding.EncodeToString(append(data, a.Colour[:]...))
}

// ParseImage reads the text that Image.String returns.
func ParseImage(text string) (a Image, err error) {
	if text == "" {
		return a, nil
	}
	data, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(data) != imageBytes {
		return a, fmt.Errorf("%q is not a signature of an image", text)
	}
	a.Shape = signatureOf(data)
	copy(a.Light[:], data[Bits/8:])
	copy(a.Colour[:], data[Bits/8+len(a.Light):])
	return a, nil
}
