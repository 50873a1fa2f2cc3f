package forms

import (
	"regexp"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

var (
	// mediaField matches names of fields for media that Harvest does not read.
	mediaField = regexp.MustCompile(`^(video|audio|voice|speech)(s|es)?(_(path|file|url)s?)?$`)
	// imageField matches other names of image fields than image and images.
	imageField = regexp.MustCompile(`^(imgs?(_(path|file|url)s?)?|images?_(path|file|url)s?)$`)
	// mediaHead matches a human turn that begins with the mark of such media, perhaps after image marks.
	mediaHead = regexp.MustCompile(`^(?:\s|<image>)*(<(?:video|audio|speech)>)`)
	// mediaTag matches such media that a human turn names in its text.
	mediaTag = regexp.MustCompile(`<video>[^<>\s]+</video>|<audio>[^<>\s]+</audio>`)
	// mediaWord matches these marks, and <img>, anywhere in a text.
	mediaWord = regexp.MustCompile(`<(?:img|video|audio|speech)>`)
)

// readMedia records a problem if the record has media that Harvest does not read. A sample with such media must never
// be rated as if it had only text.
func (p *parser) readMedia(fields jsontext.Members) {
	for i := 0; i < len(fields); i += 2 {
		key := jsontext.Text(fields[i])
		if match := mediaField.FindStringSubmatch(key); match != nil && jsontext.Holds(fields[i+1]) {
			p.unsupported(key, match[1])
		}
	}
}

// unsupported records a problem: media that Harvest does not read.
func (p *parser) unsupported(field, media string) {
	p.fail(dataset.UnsupportedMedia, field, "it has "+media+", but only text and images can be rated; remove the record")
}

// checkMedia records a problem if images are in a field that Harvest does not read, or if texts of turns name media.
func (p *parser) checkMedia(fields jsontext.Members) {
	if len(p.listed)+len(p.own) == 0 {
		for i := 0; i < len(fields); i += 2 {
			if key := jsontext.Text(fields[i]); imageField.MatchString(key) && jsontext.Holds(fields[i+1]) {
				p.fail(dataset.UnsupportedMedia, key, "images are not read from this field; rename it to image")
			}
		}
	}
	for _, turn := range p.turns {
		for _, piece := range turn.pieces {
			if strings.IndexByte(piece.text, '<') >= 0 {
				p.checkText(turn, piece.text)
			}
		}
	}
}

// checkText records a problem if the text of a human turn names media. In other turns, the marks of media are text, and
// the sample is flagged.
func (p *parser) checkText(turn draft, words string) {
	if turn.role == dataset.Human {
		if tag := mediaTag.FindString(words); tag != "" {
			p.fail(dataset.UnsupportedMedia, turn.field, "found "+jsontext.Quote(tag, quoted)+
				", but only text and images can be rated; remove the record")
		}
		if tag := imageTag.FindString(words); tag != "" {
			p.fail(dataset.ImageCount, turn.field, "found "+jsontext.Quote(tag, quoted)+" in a record whose field "+p.field+
				" has images; name each image once, and write "+dataset.ImageMark+" in the places of the field's images")
		}
		if tag := openTag.FindStringSubmatch(words); tag != nil {
			p.fail(dataset.ImageCount, turn.field, "the tag "+jsontext.Quote("<img>"+tag[1], quoted)+" has no end; write <img>"+
				tag[1]+"</img>")
		}
		if head := mediaHead.FindStringSubmatch(words); head != nil {
			p.fail(dataset.UnsupportedMedia, turn.field, "the turn begins with "+head[1]+
				", but only text and images can be rated; remove the record")
		}
	}
	if mediaWord.MatchString(words) {
		p.flag()
	}
}
