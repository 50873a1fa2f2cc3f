package forms

import (
	"regexp"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

var (
	// mediaField matches the names of fields that hold media which are not read.
	mediaField = regexp.MustCompile(`^(video|audio|voice|speech)(s|es)?(_(path|file|url)s?)?$`)
	// imageField matches names of image fields other than image and images.
	imageField = regexp.MustCompile(`^(imgs?(_(path|file|url)s?)?|images?_(path|file|url)s?)$`)
	// mediaHead matches a human turn that begins with the mark of such media.
	mediaHead = regexp.MustCompile(`^(?:\s|<image>)*(<(?:video|audio|speech)>)`)
	// mediaTag matches media that a human turn names in its text, and that are not read.
	mediaTag = regexp.MustCompile(`<video>[^<>\s]+</video>|<audio>[^<>\s]+</audio>`)
	// mediaWord matches these marks anywhere.
	mediaWord = regexp.MustCompile(`<(?:img|video|audio|speech)>`)
)

// readMedia records media that are not read. A sample with such media must never pass for one of text alone.
func (p *parser) readMedia(fields jsontext.Members) {
	for i := 0; i < len(fields); i += 2 {
		key := jsontext.Text(fields[i])
		if match := mediaField.FindStringSubmatch(key); match != nil && jsontext.Holds(fields[i+1]) {
			p.unsupported(key, match[1])
		}
	}
}

// unsupported records media of a kind that is not read.
func (p *parser) unsupported(field, media string) {
	p.fail(dataset.UnsupportedMedia, field, "it holds "+media+", and only text and images are rated; leave the record out")
}

// checkMedia records images under a name that is not read, and media that are in the turns' texts.
func (p *parser) checkMedia(fields jsontext.Members) {
	if len(p.listed)+len(p.own) == 0 {
		for i := 0; i < len(fields); i += 2 {
			if key := jsontext.Text(fields[i]); imageField.MatchString(key) && jsontext.Holds(fields[i+1]) {
				p.fail(dataset.UnsupportedMedia, key, "images are not read from this field; name it image")
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

// checkText records media that are in a human turn's text. Elsewhere their marks are text, and flagged.
func (p *parser) checkText(turn draft, words string) {
	if turn.role == dataset.Human {
		if tag := mediaTag.FindString(words); tag != "" {
			p.fail(dataset.UnsupportedMedia, turn.field, "found "+jsontext.Quote(tag, quoted)+
				", and only text and images are rated; leave the record out")
		}
		if tag := imageTag.FindString(words); tag != "" {
			p.fail(dataset.ImageCount, turn.field, "found "+jsontext.Quote(tag, quoted)+" in a record whose field "+p.field+
				" holds images; name each image once, and write "+dataset.ImageMark+" in the places of those of the field")
		}
		if tag := openTag.FindStringSubmatch(words); tag != nil {
			p.fail(dataset.ImageCount, turn.field, "the tag "+jsontext.Quote("<img>"+tag[1], quoted)+" has no end; write <img>"+
				tag[1]+"</img>")
		}
		if head := mediaHead.FindStringSubmatch(words); head != nil {
			p.fail(dataset.UnsupportedMedia, turn.field, "the turn begins with "+head[1]+
				", and only text and images are rated; leave the record out")
		}
	}
	if mediaWord.MatchString(words) {
		p.flag()
	}
}
