package selection

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A VisualTokens is a rule for the number of tokens of an image in a model: a fixed number, or a number that depends on
// the image's width and height, as the model's processor computes it. The zero value is 730 for each image, the single
// view of LLaVA-OneVision: 27 x 27 features of SigLIP's 384 px and one newline.
type VisualTokens struct {
	rule visualRule
	// fixed is the number of tokens of each image. least and most are limits of the number of pixels.
	fixed, least, most int
}

type visualRule uint8

const (
	singleView visualRule = iota
	fixedNumber
	anyres
	qwenVL
)

// The names of the rules that depend on an image's size, and the constants of all rules.
const (
	anyresName = "onevision-anyres"
	qwenName   = "qwen2.5-vl"

	viewSide   = 27  // features of a view of LLaVA-OneVision along each side
	viewPixels = 384 // pixels of a view along each side
	viewTokens = viewSide*viewSide + 1

	qwenSide = 28 // pixels of a token of Qwen2.5-VL along each side: 2 x 2 patches of 14
	// maxVisual is the largest number of tokens of an image, so that the tokens of a sample fit 32 bits.
	maxVisual = 100_000

	visualForms = "give 730 or another number of tokens for each image, " + anyresName + ", " + qwenName +
		", or " + qwenName + ":MIN,MAX with its least and most pixels, such as " + qwenName + ":3136,1003520"
)

// qwenDefault has the limits of the released checkpoints of Qwen2-VL and Qwen2.5-VL: 4 to 16,384 tokens.
var qwenDefault = VisualTokens{rule: qwenVL, least: 4 * qwenSide * qwenSide, most: 16_384 * qwenSide * qwenSide}

// VisualTokensNames returns an example of each rule, for shell completion.
func VisualTokensNames() []string { return []string{strconv.Itoa(viewTokens), anyresName, qwenName} }

// ParseVisualTokens parses a number, onevision-anyres, qwen2.5-vl or qwen2.5-vl:MIN,MAX.
func ParseVisualTokens(text string) (VisualTokens, error) {
	name, limits, limited := strings.Cut(strings.TrimSpace(text), ":")
	switch {
	case name == anyresName && !limited:
		return VisualTokens{rule: anyres}, nil
	case name == qwenName && !limited:
		return qwenDefault, nil
	case name == qwenName:
		least, most, found := strings.Cut(limits, ",")
		v := VisualTokens{rule: qwenVL}
		var failed, failedMost error
		v.least, failed = strconv.Atoi(strings.TrimSpace(least))
		v.most, failedMost = strconv.Atoi(strings.TrimSpace(most))
		const unit = qwenSide * qwenSide
		if !found || failed != nil || failedMost != nil || v.least < 1 || v.most < max(v.least, unit) ||
			v.most > maxVisual*unit {
			return VisualTokens{}, fmt.Errorf("%q: MIN and MAX are pixels, from 1 and from %d to %d, MIN not above MAX; %s",
				text, unit, maxVisual*unit, visualForms)
		}
		return v, nil
	}
	n, err := strconv.Atoi(name)
	if err != nil || limited {
		return VisualTokens{}, fmt.Errorf("%q: %s", text, visualForms)
	}
	if n < 0 || n > maxVisual {
		return VisualTokens{}, fmt.Errorf("%q: an image has 0 to %d tokens; %s", text, maxVisual, visualForms)
	}
	if n == viewTokens {
		return VisualTokens{}, nil
	}
	return VisualTokens{rule: fixedNumber, fixed: n}, nil
}

// IsZero reports whether each image has 730 tokens.
func (v VisualTokens) IsZero() bool { return v == VisualTokens{} }

// String returns the rule as a text that ParseVisualTokens accepts.
func (v VisualTokens) String() string {
	switch v.rule {
	case singleView:
		return strconv.Itoa(viewTokens)
	case fixedNumber:
		return strconv.Itoa(v.fixed)
	case anyres:
		return anyresName
	case qwenVL:
		if v == qwenDefault {
			return qwenName
		}
		return fmt.Sprintf("%s:%d,%d", qwenName, v.least, v.most)
	}
	return fmt.Sprintf("VisualTokens(%d)", v.rule)
}

// MarshalText returns the text of String.
func (v VisualTokens) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText accepts the same texts as ParseVisualTokens. An empty text is the zero value.
func (v *VisualTokens) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*v = VisualTokens{}
		return nil
	}
	*v, err = ParseVisualTokens(string(text))
	return err
}

// UnmarshalJSON reads a string or a number.
func (v *VisualTokens) UnmarshalJSON(data []byte) error {
	return unmarshalAmount(data, v.UnmarshalText)
}

// BySize reports whether an image's tokens depend on its size.
func (v VisualTokens) BySize() bool { return v.rule == anyres || v.rule == qwenVL }

// Of returns the number of tokens of one image of a sample. width and height are those of the stored image, in pixels.
// images is the sample's number of images. An image of unknown size, 0 x 0, has 730 tokens.
func (v VisualTokens) Of(width, height, images int) int {
	switch {
	case v.rule == fixedNumber:
		return v.fixed
	case v.rule == singleView || min(width, height) < 1:
		return viewTokens
	case v.rule == qwenVL:
		return v.ofQwen(width, height)
	case images > 1:
		return viewTokens // with several images, each image has one view
	}
	return ofAnyres(width, height)
}

// ofQwen computes smart_resize of transformers' Qwen2VLImageProcessor. It rounds sides to multiples of 28 pixels, and
// scales an image that is outside the limits to the nearest limit.
func (v VisualTokens) ofQwen(width, height int) int {
	w, h := float64(width), float64(height)
	across, down := math.RoundToEven(w/qwenSide), math.RoundToEven(h/qwenSide)
	switch pixels := across * down * qwenSide * qwenSide; {
	case pixels > float64(v.most):
		by := math.Sqrt(w * h / float64(v.most))
		across, down = max(math.Floor(w/by/qwenSide), 1), max(math.Floor(h/by/qwenSide), 1)
	case pixels < float64(v.least):
		by := math.Sqrt(float64(v.least) / (w * h))
		across, down = math.Ceil(w*by/qwenSide), math.Ceil(h*by/qwenSide)
	}
	return int(min(across*down, maxVisual))
}

// maxViews is the largest number of views of LLaVA-OneVision along each side of an image. If there are more features
// than reducedViews views have, they are scaled down (anyres_max_9).
const (
	maxViews     = 6
	reducedViews = 9
)

// ofAnyres computes _get_number_of_features of transformers' LlavaOnevisionProcessor: one view of the whole image, and
// the features of a grid of views without padding, with a newline for each row.
func ofAnyres(width, height int) int {
	down, across := bestGrid(width, height)
	rows, columns := viewSide*down, viewSide*across
	if w, h := float64(width), float64(height); w/h > float64(columns)/float64(rows) {
		rows -= (rows - wholePart(h*(float64(columns)/w))) / 2 * 2
	} else {
		columns -= (columns - wholePart(w*(float64(rows)/h))) / 2 * 2
	}
	by := math.Sqrt(float64(rows*columns) / (reducedViews * viewSide * viewSide))
	if by > 1.1 {
		rows, columns = floorDivision(rows, by), floorDivision(columns, by)
	}
	return rows*columns + rows + viewSide*viewSide
}

// bestGrid computes select_best_resolution of transformers: the grid of views that keeps most pixels of the image.
// Among equal grids, it returns the grid with the smallest unused area, and then the first grid.
func bestGrid(width, height int) (down, across int) {
	best, least := 0, math.MaxInt
	for d := 1; d <= maxViews; d++ {
		for a := 1; a <= maxViews; a++ {
			scale := min(float64(viewPixels*a)/float64(width), float64(viewPixels*d)/float64(height))
			kept := min(int(float64(width)*scale)*int(float64(height)*scale), width*height)
			left := viewPixels*a*viewPixels*d - kept
			if kept > best || kept == best && left < least {
				best, least, down, across = kept, left, d, a
			}
		}
	}
	return down, across
}

// wholePart computes Python's int(round(x, 7)).
func wholePart(x float64) int { return int(math.RoundToEven(x*1e7) / 1e7) }

// floorDivision computes Python's int(n // x).
func floorDivision(n int, x float64) int {
	return int(math.Round((float64(n) - math.Mod(float64(n), x)) / x))
}
