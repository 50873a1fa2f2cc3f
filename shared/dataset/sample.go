package dataset

import (
	"cmp"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// ImageMark is the placeholder for an image in the text of a turn, in records and in prompts.
const ImageMark = "<image>"

// OffReference is the flag of a sample that the reference implementation does not support. Such a sample has a system
// or tool turn, two turns of one side in a row, a model turn at the start, a human turn at the end, images without a
// mark, the word <image> as text, a mark of another project, or a number as the text of a turn.
const OffReference = "off_reference"

// A Segment is a part of a turn: a text, or the place of an image.
type Segment struct {
	// Text is the text in the record; the word <image> in it is text. It is empty for an image.
	Text string
	// Image is the number of an image of the sample, from 1; 0 for text.
	Image int
}

// A Turn is one utterance of a conversation. Two segments of text never follow each other.
type Turn struct {
	Role     Role
	Segments []Segment
}

// NewTurn returns a turn with this text. Each ImageMark in the text is the place of an image; images are numbered from
// first, which is 1 or more. If first is 0, marks are text.
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

// JoinTurn returns a turn with these segments. It joins successive texts, and drops empty texts.
func JoinTurn(role Role, segments []Segment) Turn {
	var b turnBuilder
	for _, s := range segments {
		b.add(s.Text, s.Image)
	}
	return Turn{Role: role, Segments: b.take()}
}

// Text returns the turn as one string, with ImageMark at the places of images.
func (t Turn) Text() string { return strings.Join(t.Pieces(), ImageMark) }

// Pieces returns the texts before, between and after the images of the turn, in order. A text may be empty.
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

// An Image is the name of an image, or the image itself if the record embeds it.
type Image struct {
	// Name is the image's name in the record: a path relative to the dataset's images, or a gs:// URL. It is empty for an
	// embedded image.
	Name string
	// Data is the image file in a data URL or in embedded bytes; nil for a named image.
	Data []byte
	// Embedded is the number, from 1, of the image among the binary values of its record in a container; 0 for other
	// images.
	Embedded int
	// Path is the name of an embedded image in its container, for messages. It may be empty.
	Path string
}

// A Sample is one instruction-tuning record: a conversation and zero or more images.
type Sample struct {
	// ID is the record's `id` (a string, or a number as written). Without an `id`, it is Place.Key; without a key, it is
	// `<manifest>#<element>`. Several samples may have the same id: only the index in the dataset identifies a sample.
	ID string
	// Source is the origin of the sample: the text in the first of the fields data_source, image_source and source that
	// has one. Without such a text, it is the topmost folder of the first named image. Without a folder, it is the
	// manifest's name without extension, and for a container also without the number of the shard.
	Source string
	// Form is the name of the record's form (package forms); empty if the record has no known form.
	Form string
	// Turns are all turns of the record, in order. Scorers get only the turns that Rated returns.
	Turns []Turn
	// Images are the images of the record, in the order of their places in the turns. Each image has one place.
	Images []Image
	// Flags are warnings that are stored with the scores. OffReference is the only flag.
	Flags []string
	Place Place
	// Problem is nil for a valid record. A record with a problem has its ID and Raw, and all other data that could be
	// read.
	Problem *Problem
	// Raw is the record byte for byte as in the manifest, without separators around it. It is in UTF-8 even if the
	// manifest is in UTF-16. It is nil if the problem is RecordTooLarge. For a record in a container, it is the record as
	// JSON, without its binary values.
	Raw []byte
	// Stored is the position of the record in a container.
	Stored Stored
}

// Record returns the place of the sample as a record of a shard, without Raw and Fault.
func (s *Sample) Record() Record { return Record{Place: s.Place, Stored: s.Stored} }

// Rated returns the conversation that scorers rate. Human and model turns alternate. The first turn is a human turn,
// and the last human turn may have no answer. System and tool turns, and model turns before the first human turn, are
// left out with their images. These images are fetched and checked, but scorers do not get them. Turns of one side that
// then follow each other are joined with a line break (see "Records" in README.md).
func (s *Sample) Rated() []Turn {
	rated := make([]Turn, 0, len(s.Turns))
	var side []Turn // consecutive turns of one side
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

// HumanTurns returns the number of human turns in Rated.
func (s *Sample) HumanTurns() (n int) {
	var before Role // role of the last rated turn
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

// joined returns turns of one side as one turn.
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

// RatedImages returns, for each image in the turns of Rated, its index in Images.
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

// Texts returns the texts of the turns of Rated, in order, with ImageMark at the places of images.
func (s *Sample) Texts() []string {
	var texts []string
	for _, t := range s.Rated() {
		texts = append(texts, t.Text())
	}
	return texts
}

// Pieces returns the pieces of the turns of Rated, in order.
func (s *Sample) Pieces() [][]string {
	var pieces [][]string
	for _, t := range s.Rated() {
		pieces = append(pieces, t.Pieces())
	}
	return pieces
}

// ReadingVersion must change whenever Harvest reads other content from the same record. It is part of a run's identity.
// Shards contain records that are not parsed, so a run with another ReadingVersion is not continued.
const ReadingVersion = 5

// A Parser parses one record. The sample keeps raw. Package forms has the parsers.
type Parser func(raw []byte, place Place) *Sample

// NewSample returns a sample that has only the record's bytes, its place, and the ID and source that follow from the
// place.
func NewSample(raw []byte, place Place) *Sample {
	return &Sample{
		ID:     cmp.Or(place.Key, place.Manifest+"#"+strconv.FormatInt(place.Element, 10)),
		Source: place.source(),
		Place:  place,
		Raw:    raw,
	}
}

// Stem returns the name of a manifest without its extensions: `a` for a.jsonl and for a.jsonl.gz.
func Stem(file string) string {
	switch ext := path.Ext(file); ext {
	case ".gz", ".zst", ".bz2", ".xz":
		file = strings.TrimSuffix(file, ext)
	}
	return strings.TrimSuffix(file, path.Ext(file))
}

// shardNumber matches the number at the end of a stem, if the file is one of a series: train-00003-of-00128,
// demo-000017.
var shardNumber = regexp.MustCompile(`[-_.]?\d+(-of-\d+)?$`)

// source returns the source of a record that names no source. All files of a series of containers have the same source.
func (p Place) source() string {
	stem := Stem(p.Manifest)
	if p.InContainer() {
		return cmp.Or(shardNumber.ReplaceAllString(stem, ""), stem)
	}
	return stem
}

// Unread returns the sample of a record that cannot be read because of a fault.
func Unread(place Place, fault Fault) *Sample {
	s := NewSample(nil, place)
	s.Problem = &Problem{Fault: fault, Place: place}
	return s
}
