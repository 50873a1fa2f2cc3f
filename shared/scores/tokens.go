package scores

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/selection"
)

// SizeText returns the size of an image as in Record.Sizes.
func SizeText(width, height int) string { return strconv.Itoa(width) + "x" + strconv.Itoa(height) }

// parseSize parses a text of SizeText. An empty text is the size of an unread image.
func parseSize(text string) (size [2]int32, err error) {
	if text == "" {
		return size, nil
	}
	width, height, _ := strings.Cut(text, "x")
	for i, side := range []string{width, height} {
		n, err := strconv.ParseInt(side, 10, 32)
		if err != nil || n < 1 {
			return size, fmt.Errorf("%q is not a size of an image, such as 640x480", text)
		}
		size[i] = int32(n)
	}
	return size, nil
}

// sizes reads a column of texts as sizes.
var sizes = columnType[string, [2]int32]{takeText, parseSize}

// TrainingTokens returns the number of tokens that a sample has in training: the tokens of its texts, and of its
// images, computed from their sizes.
func (r *Record) TrainingTokens(visual selection.VisualTokens) (int, error) {
	all := r.Tokens.Text
	for _, text := range r.Sizes {
		size, err := parseSize(text)
		if err != nil {
			return 0, err
		}
		all += visual.Of(int(size[0]), int(size[1]), len(r.Sizes))
	}
	return all, nil
}

// tokens reads the tokens of texts, and adds the tokens of images.
func tokens(f *file, visual selection.VisualTokens) ([]uint32, error) {
	all, err := counts.column(f, "text_tokens", 0)
	if err != nil {
		return nil, err
	}
	var start []uint32
	var of [][2]int32
	if visual.BySize() {
		start, of, err = sizes.lists(f, "image_sizes")
	} else {
		start, _, err = presence.lists(f, "image_sizes")
	}
	if err != nil {
		return nil, err
	}
	for i := range all {
		images, sum := int(start[i+1]-start[i]), int(all[i])
		for k := range images {
			var size [2]int32
			if of != nil {
				size = of[int(start[i])+k]
			}
			sum += visual.Of(int(size[0]), int(size[1]), images)
		}
		all[i] = uint32(min(sum, math.MaxInt32))
	}
	return all, nil
}
