package forms

import (
	"bytes"
	"regexp"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// qwenVL returns the form of the first Qwen-VL: the texts of turns name the images.
func qwenVL() Form {
	return Form{
		Name: "Qwen-VL",
		Shape: `{"id": "1", "conversations": [{"from": "user", "value": "Picture 1: <img>coco/1.jpg</img>\nWhy?"}, ` +
			`{"from": "assistant", "value": "So."}]}`,
		Reads: "an image has the place of its tag <img> in a human turn; the text around the tag stays; such tags are " +
			"read in the other forms, too; a tag before the name of a file must have an end tag",
		plain: llavaName,
		is: func(r record) bool {
			return r.hasList("conversations") && !r.has("image", "images") && bytes.Contains(r.turns, []byte("<img>"))
		},
		turns:  listOf("conversations"),
		images: usualImages,
	}
}

// imageTag matches an image that is named in a text.
var imageTag = regexp.MustCompile(`<img>([^<>\n]+)</img>`)

// openTag matches an image that is named after a tag without an end tag. The word <img> alone is text.
var openTag = regexp.MustCompile(`<img>([^<>\s]+\.(?i:jpe?g|png|webp|gif|bmp|tiff?))(?:[^<\w]|$)`)

// readTags reads the images that the texts of human turns name. It is for records whose image field is empty.
func (p *parser) readTags() {
	if len(p.listed) > 0 {
		return
	}
	for i, turn := range p.turns {
		if turn.role != dataset.Human {
			continue
		}
		var pieces []piece
		for _, whole := range turn.pieces {
			at := 0
			for _, match := range imageTag.FindAllStringSubmatchIndex(whole.text, -1) {
				image, ok := p.readName(turn.field, whole.text[match[2]:match[3]])
				if !ok {
					continue // the problem is already recorded
				}
				p.own = append(p.own, image)
				pieces = append(pieces, piece{text: whole.text[at:match[0]]}, piece{image: len(p.own)})
				at = match[1]
			}
			whole.text = whole.text[at:]
			pieces = append(pieces, whole)
		}
		p.turns[i].pieces = pieces
	}
}
