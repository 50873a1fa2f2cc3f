package dataset

import (
	"cmp"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// ImageMark is the placeholder that a turn's text holds where an image belongs, in records and in prompts.
const ImageMark = "<image>"

// OffReference is the flag of a sample that the reference implementation does not have: a system or tool turn, two
// turns of one side in a row, a leading model turn, a last human turn, images without a mark, the word <image> as text,
// a mark of another project, or a number as a turn's text.
const OffReference = "off_reference"

// A Segment of a turn is text, or the place of an image.
type Segment struct {
	// Text is the text as the record gives it; the word <image> in it is text. Empty for an image.
	Text string
	// Image is the number of the image of the sample, from 1; 0 for text.
	Image int
}

// A Turn is one utterance of a conversation. Two segments of text never follow each other.
type Turn struct {
	Role     Role
	Segments []Segment
}

// NewTurn makes a turn of a text. Each ImageMark in it is the place of an image, and images are numbered from first,
// which is 1 or more. If first is 0, marks are text.
func NewTurn(role Role, text string, first int) Turn {
	var b turnBuilder
	for first > 0 {
		before, after, found := strings.Cut(text, ImageMark)
		if !found {
			break
		}
		b.add(before, 0)
		b.add("", first)
		text = after
		first++
	}
	b.add(text, 0)
	return Turn{Role: role, Segments: b.take()}
}

// JoinTurn makes a turn of segments. It joins texts that follow each other, and drops empty ones.
func JoinTurn(role Role, segments []Segment) Turn {
	var b turnBuilder
	for _, s := range segments {
		b.add(s.Text, s.Image)
	}
	return Turn{Role: role, Segments: b.take()}
}

// Text is the turn in one string, with ImageMark where an image is.
func (t Turn) Text() string { return strings.Join(t.Pieces(), ImageMark) }

// Pieces are the texts between the images of the turn, in order: one more than there are images.
func (t Turn) Pieces() []string {
	pieces := make([]string, 1, len(t.Segments)+1)
	for _, s := range t.Segments {
		if s.Image > 0 {
			pieces = append(pieces, "")
		} else {
			pieces[len(pieces)-1] += s.Text
		}
	}
	return pieces
}

// A turnBuilder joins pieces of a turn into segments, in time linear in their length.
type turnBuilder struct {
	segments []Segment
	text     strings.Builder
}

// add adds an image, or text if image is 0.
func (b *turnBuilder) add(text string, image int) {
	if image == 0 {
		b.text.WriteString(text)
		return
	}
	b.segments = append(b.take(), Segment{Image: image})
}

// take returns the segments so far.
func (b *turnBuilder) take() []Segment {
	if b.text.Len() > 0 {
		b.segments = append(b.segments, Segment{Text: b.text.String()})
		b.text.Reset()
	}
	return b.segments
}

// An Image is a reference to an image, or the image itself where the record embeds it.
type Image struct {
	// Name is the image's name as the record gives it: relative to the dataset's images, or a
	// gs:// URL. Empty for an embedded image.
	Name string
	// Data is the encoded image of a data URL or of embedded bytes, nil for a named image.
	Data []byte
	// Embedded is the number, from 1, of the image among the binary values of its record in a container; 0 for other
	// images.
	Embedded int
	// Path is the name of such an image in its container, for people. It may be empty.
	Path string
}

// A Sample is one instruction-tuning record: a conversation and zero or more images.
type Sample struct {
	// ID is the record's `id` (a string, or a number as written); without one it is Place.Key, or else
	// `<manifest>#<element>`. Several samples may have the same id: only the index in the dataset identifies a sample.
	ID string
	// Source is where the sample came from: the first of the fields data_source, image_source and
	// source that is a string with text, else the topmost folder of the first named image, else the
	// manifest's name without extension; for a container also without the number of its shard.
	Source string
	// Form is the name of the form in which the record is written (package forms), empty where it shows none.
	Form string
	// Turns are all turns of the record, in order. Rated are those that scorers see.
	Turns []Turn
	// Images are in the order of their places in the turns: each image has one place.
	Images []Image
	// Flags warn readers of the scores; OffReference is the only flag.
	Flags []string
	Place Place
	// Problem is nil for a valid record. A record with a problem has its ID and
	// Raw, and as much of the rest as could be read.
	Problem *Problem
	// Raw is the record byte for byte as in the manifest, without separators around it. It is in UTF-8 even if the
	// manifest is in UTF-16, and nil for a RecordTooLarge. In a container it is the record as JSON, without its binary
	// values.
	Raw []byte
	// Stored is where a container holds the record.
	Stored Stored
}

// Record is the sample as a record of a shard, without Raw.
func (s *Sample) Record() Record { return Record{Place: s.Place, Stored: s.Stored} }

// Rated is the conversation that scorers see: human and model alternate, a human first, and the last human turn may
// have no answer. System and tool turns, and model turns before the first human one, are left out together with their
// images. These images are fetched and checked, but no scorer sees them. If two turns of one side then follow each
// other, they are joined with one line break (METHOD.md, "What the reference does not have").
func (s *Sample) Rated() []Turn {
	rated := make([]Turn, 0, len(s.Turns))
	var side []Turn // turns of one side, in a row
	for _, t := range s.Turns {
		if !t.Role.Rated() || len(side) == 0 && t.Role != Human {
			continue
		}
		if len(side) > 0 && side[0].Role != t.Role {
			rated = append(rated, joined(side))
			side = side[:0]
		}
		side = append(side, t)
	}
	if len(side) > 0 {
		rated = append(rated, joined(side))
	}
	return rated
}

// HumanTurns is how many turns of the human are in Rated.
func (s *Sample) HumanTurns() (n int) {
	var before Role // of the last turn that is rated
	for _, t := range s.Turns {
		if t.Role.Rated() && t.Role != before && (before != "" || t.Role == Human) {
			before = t.Role
			if t.Role == Human {
				n++
			}
		}
	}
	return n
}

// joined is turns of one side as one.
func joined(side []Turn) Turn {
	if len(side) == 1 {
		return side[0]
	}
	var segments []Segment
	for i, t := range side {
		if i > 0 {
			segments = append(segments, Segment{Text: "\n"})
		}
		segments = append(segments, t.Segments...)
	}
	return JoinTurn(side[0].Role, segments)
}

// RatedImages are the images that are in the turns of Rated, in order, as positions in Images.
func (s *Sample) RatedImages() []int {
	var positions []int
	for _, t := range s.Rated() {
		for _, segment := range t.Segments {
			if segment.Image > 0 {
				positions = append(positions, segment.Image-1)
			}
		}
	}
	return positions
}

// Texts are the texts of the turns of Rated, in order, with ImageMark where an image is.
func (s *Sample) Texts() []string {
	var texts []string
	for _, t := range s.Rated() {
		texts = append(texts, t.Text())
	}
	return texts
}

// Pieces are the pieces of the turns of Rated, in order.
func (s *Sample) Pieces() [][]string {
	var pieces [][]string
	for _, t := range s.Rated() {
		pieces = append(pieces, t.Pieces())
	}
	return pieces
}

// ReadingVersion changes whenever something else is taken from a record. It is part of a run's identity, and a run of
// another one is not continued: the records in its shards are parsed where they are needed.
const ReadingVersion = 4

// A Parser reads one record. The sample keeps raw. What a record is read as depends on its form (package forms).
type Parser func(raw []byte, place Place) *Sample

// NewSample is the sample of a record of which only the place is known.
func NewSample(raw []byte, place Place) *Sample {
	return &Sample{
		ID:     cmp.Or(place.Key, place.Manifest+"#"+strconv.FormatInt(place.Element, 10)),
		Source: place.source(),
		Place:  place,
		Raw:    raw,
	}
}

// Stem is the name of a manifest without what says how it is written: `a` of a.jsonl and of a.jsonl.gz.
func Stem(file string) string {
	switch ext := path.Ext(file); ext {
	case ".gz", ".zst", ".bz2", ".xz":
		file = strings.TrimSuffix(file, ext)
	}
	return strings.TrimSuffix(file, path.Ext(file))
}

// shardNumber matches the number of one of many files at the end of its stem: train-00003-of-00128, demo-000017.
var shardNumber = regexp.MustCompile(`[-_.]?\d+(-of-\d+)?$`)

// source is the source of a record that names none. The many files of a container are one source.
func (p Place) source() string {
	stem := Stem(p.Manifest)
	if p.InContainer() {
		return cmp.Or(shardNumber.ReplaceAllString(stem, ""), stem)
	}
	return stem
}

// Unread is the sample of a record of which nothing is known but its place, because of a fault.
func Unread(place Place, fault Fault) *Sample {
	s := NewSample(nil, place)
	s.Problem = &Problem{Fault: fault, Place: place}
	return s
}
