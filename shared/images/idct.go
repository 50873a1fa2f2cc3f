package images

import "encoding/binary"

// coefficients are the 8 x 8 coefficients of a block of a JPEG, row by row, or in zigzag order if that is stated.
type coefficients [64]int32

// zigzag has the place of each coefficient in the order of a file (ISO/IEC 10918-1, figure A.6). filled has bit 8+row
// of the place, and bit row as well if the column of the place is not 0.
var zigzag = func() (order [64]struct {
	place  uint8
	filled uint16
}) {
	at, x, y := 0, 0, 0
	for ; at < len(order); at++ {
		order[at].place, order[at].filled = uint8(8*y+x), 1<<(8+y)
		if x > 0 {
			order[at].filled |= 1 << y
		}
		switch up := (x+y)%2 == 0; {
		case up && x == 7, !up && y < 7 && x == 0:
			y++
		case up && y == 0, !up && y == 7:
			x++
		case up:
			x, y = x+1, y-1
		default:
			x, y = x-1, y+1
		}
	}
	return order
}()

// Factors of the inverse discrete cosine transform with so many bits after the point.
const (
	cos1Bits12    = 4017  // cos pi/16
	sin1Bits12    = 799   // sin pi/16
	cos3Bits12    = 3406  // cos 3pi/16
	sin3Bits12    = 2276  // sin 3pi/16
	cos6Bits12    = 1108  // cos 6pi/16 / sqrt 2
	sin6Bits12    = 2676  // sin 6pi/16 / sqrt 2
	cos6Bits18    = 70936 // the same with more bits
	sin6Bits18    = 171254
	halfRootBits8 = 181 // 1 / sqrt 2
	halfRoot14    = 11585
)

// transform computes the pixels of a block, and sets its coefficients to zero. filled says which coefficients are not
// zero. The arithmetic is exactly that of image/jpeg in Go 1.26 (src/image/jpeg/dct.go, Copyright 2025 The Go Authors,
// BSD-style license): the algorithm of Loeffler, Ligtenberg and Moschytz (1989), rows first. Rows without coefficients
// are left out, which changes no result.
func (b *coefficients) transform(filled uint16, pixels []uint8, stride int) {
	if filled == 0 {
		level := shade((b[0]<<17 + 1<<19) >> 20)
		b[0] = 0
		for y := range 8 {
			binary.LittleEndian.PutUint64(pixels[y*stride:], level*0x0101010101010101)
		}
		return
	}
	for y := range 8 {
		row := (*[8]int32)(b[8*y:])
		switch {
		case filled>>y&1 != 0:
			transformRow(row)
		case y == 0 || filled>>(8+y)&1 != 0:
			v := row[0] << 17
			*row = [8]int32{v, v, v, v, v, v, v, v}
		}
	}
	for x := range 8 {
		b.transformColumn(x)
	}
	for y := range 8 {
		row := (*[8]int32)(b[8*y:])
		word := uint64(0)
		for x, v := range row {
			word |= shade(v) << (8 * x)
		}
		binary.LittleEndian.PutUint64(pixels[y*stride:], word)
	}
	*b = coefficients{}
}

// shade returns the level of a pixel, 0 to 255, from its distance to the middle level.
func shade(v int32) uint64 { return uint64(min(max(v+128, 0), 255)) }

// rotate rotates and scales two values.
func rotate(x, y, cosine, sine int32) (int32, int32) {
	sum := cosine * (x + y)
	return sum + (sine-cosine)*y, sum - (cosine+sine)*x
}

func transformRow(row *[8]int32) {
	x0, x7, x2, x5, x1, x6, x3, x4 := row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7]

	x0, x1 = (x0+x1)<<17, (x0-x1)<<17
	x2, x3 = rotate(x2, x3, cos6Bits18, -sin6Bits18)
	x1, x2 = x1+x2, x1-x2
	x0, x3 = x0+x3, x0-x3

	x7, x4 = (x7+x4)<<7, (x7-x4)<<7
	x6, x5 = x6*halfRootBits8, x5*halfRootBits8
	x7, x5 = x7+x5, x7-x5
	x4, x6 = x4+x6, x4-x6
	x4, x7 = rotate(x4>>2, x7>>2, cos3Bits12, -sin3Bits12)
	x5, x6 = rotate(x5>>2, x6>>2, cos1Bits12, -sin1Bits12)

	row[0], row[7] = x0+x7, x0-x7
	row[1], row[6] = x1+x6, x1-x6
	row[2], row[5] = x2+x5, x2-x5
	row[3], row[4] = x3+x4, x3-x4
}

func (b *coefficients) transformColumn(x int) {
	x &= 7
	x0, x7, x2, x5, x1, x6, x3, x4 := b[x], b[8+x], b[16+x], b[24+x], b[32+x], b[40+x], b[48+x], b[56+x]

	x0 += 1 << 19 // to round
	x0, x1 = (x0+x1)>>2, (x0-x1)>>2
	x2, x3 = rotate(x2>>13, x3>>13, cos6Bits12, -sin6Bits12)
	x1, x2 = x1+x2, x1-x2
	x0, x3 = x0+x3, x0-x3

	x7, x4 = x7+x4, x7-x4
	x5, x6 = (x5>>13)*halfRoot14, (x6>>13)*halfRoot14
	x7, x5 = x7+x5, x7-x5
	x4, x6 = x4+x6, x4-x6
	x4, x7 = rotate(x4>>14, x7>>14, cos3Bits12, -sin3Bits12)
	x5, x6 = rotate(x5>>14, x6>>14, cos1Bits12, -sin1Bits12)

	b[x], b[56+x] = (x0+x7)>>18, (x0-x7)>>18
	b[8+x], b[48+x] = (x1+x6)>>18, (x1-x6)>>18
	b[16+x], b[40+x] = (x2+x5)>>18, (x2-x5)>>18
	b[24+x], b[32+x] = (x3+x4)>>18, (x3-x4)>>18
}
