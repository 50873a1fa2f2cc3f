// Package reason has the table of reasons why samples are not scored, or not selected. A code is stable: it is stored
// with scores and in a selection's outputs, and programs may compare it. Its phrase is for people, and later versions
// may improve it. Packages define the codes of the faults that they find; this table has all codes.
package reason

import (
	"cmp"
	"maps"
	"slices"
)

// A Code is a reason in snake_case, such as image_not_found. The empty code means that there is no reason.
type Code string

// An Entry of the table has a code with its phrase and its meaning.
type Entry struct {
	Code Code
	// Phrase begins a sample's reason: `<phrase>: <detail>; <fix>`.
	Phrase string
	// Meaning says when a sample has the reason.
	Meaning string
}

// Phrase returns the code's short phrase; the code itself if the table does not have it.
func (c Code) Phrase() string {
	if e, ok := lookup(c); ok {
		return e.Phrase
	}
	return string(c)
}

// Text returns a reason in words: the phrase and a detail, which may be empty.
func (c Code) Text(detail string) string {
	if detail == "" {
		return c.Phrase()
	}
	return c.Phrase() + ": " + detail
}

// Meaning says when a sample has the reason. It is empty for a code that the table does not have.
func (c Code) Meaning() string {
	e, _ := lookup(c)
	return e.Meaning
}

// ByNearness reports whether the sample is near to an item of an evaluation set, or to a selected sample.
func (c Code) ByNearness() bool { return c == "near_evaluation" || c == "cluster_cap" }

// MostFrequent returns the code with the highest count; of equal counts, the first in alphabetical order. It is empty
// without counts.
func MostFrequent(counts map[Code]int64) Code {
	codes := slices.Sorted(maps.Keys(counts))
	if len(codes) == 0 {
		return ""
	}
	return slices.MaxFunc(codes, func(a, b Code) int {
		return cmp.Or(cmp.Compare(counts[a], counts[b]), cmp.Compare(b, a))
	})
}

// A Subject is the thing that a reason is about: the thing to fix.
type Subject int

// The subjects of reasons.
const (
	Record    Subject = iota // the record; also for unknown codes
	Image                    // an image; the record may be valid
	Scorer                   // the scorer's model or server; record and images may be valid
	Selection                // a selection or a comparison
)

// Subject returns the subject of the code.
func (c Code) Subject() Subject {
	for subject, entries := range tables {
		if slices.ContainsFunc(entries, func(e Entry) bool { return e.Code == c }) {
			return Subject(subject)
		}
	}
	return Record
}

func lookup(c Code) (Entry, bool) {
	for _, entries := range tables {
		for _, e := range entries {
			if e.Code == c {
				return e, true
			}
		}
	}
	return Entry{}, false
}

// Table returns all codes: first the codes of failed samples, for records, images, scorers and runs, and then the codes
// of selections.
func Table() []Entry { return slices.Concat(tables[:]...) }

// tables has the codes by their subjects.
var tables = [...][]Entry{
	Record: {
		{"not_utf8", "not UTF-8", "the record's text has another encoding"},
		{"not_json_object", "not a JSON object", "the record is broken JSON, or a value other than an object"},
		{"record_too_large", "record too large", "the record is longer than MAX_RECORD_BYTES"},
		{"record_unreadable", "record unreadable", "the manifest is a binary file that is damaged at the record"},
		{"wrong_type", "wrong type", "a field holds a value of the wrong type"},
		{"unsupported_media", "unsupported media", "the record has video, audio, or images in a form that is not read"},
		{"no_conversation", "no conversation", "the record has no turns"},
		{"two_conversations", "two conversations", "fields of two forms hold conversations that differ"},
		{"unknown_role", "unknown role", "a turn has no role, or one that is not known"},
		{"empty_turn", "empty turn", "a rated turn has neither text nor image"},
		{"no_question", "no question", "no turn is the human's"},
		{"no_answer", "no answer", "no turn of the model follows a turn of the human"},
		{"image_count", "image count", "the numbers of images and of their places differ"},
		{"too_many_images", "too many images", "the sample has more images than are allowed, or than the sidecar takes"},
		{"unsafe_image_name", "unsafe image name", "an image's name is absolute, leads out of the dataset, or is a URL"},
		{"broken_image_data", "broken image data", "an embedded image is empty, cannot be read, or is not valid base64"},
		{"member_unusable", "member unusable",
			"a member of the sample's archive is a link, doubled, cut short, or is not next to the others"},
		{"manifest_changed", "manifest changed", "the manifest was replaced before the record was read"},
	},
	Image: {
		{"image_not_found", "image not found", "there is no file or object of the image's name"},
		{"image_unreadable", "image unreadable", "the image exists, but this machine cannot read it"},
		{"image_not_allowed", "image not allowed", "the image is in a place that this dataset may not read"},
		{"image_empty", "image empty", "the image's file has no bytes"},
		{"image_too_large", "image too large",
			"the image has more bytes or pixels, or takes more memory to decode, than is allowed"},
		{"images_too_large_together", "images too large together",
			"the images of the sample have more bytes together than are allowed"},
		{"image_format_unknown", "image format unknown", "the file is not an image of a format that is read"},
		{"image_undecodable", "image does not decode", "the image's file is damaged or cut short"},
	},
	Scorer: {
		{"scorer_died", "scorer died on this sample", "the scorer's process ended each time it rated the sample alone"},
		{"invalid_answer", "invalid answer", "the model's answer was not valid under the rubric, twice"},
		{"refused_by_model", "refused by the model", "the model, or its server, refuses the sample"},
		{"prompt_too_long", "prompt too long", "the sidecar takes fewer tokens for a sample"},
		{"not_finite", "not finite", "the model's answer holds numbers that are not finite"},
		{"given_up", "given up", "the sample's shard failed in all its attempts, and the run was resumed without it"},
	},
	Selection: {
		{"not_annotated", "not annotated", "the other file of annotations does not have the sample"},
		{"no_known_style", "no known style", "the scorer gave the sample no style of the rubric, so it is in no bin"},
		{"filtered_by_style", "filtered by style", "the selection leaves out samples of its styles"},
		{"filtered_by_source", "filtered by source", "the selection leaves out samples of its source"},
		{"filtered_by_condition", "filtered by condition", "its numbers do not meet all conditions"},
		{"duplicate", "duplicate", "another sample has the same texts and images"},
		{"excluded", "excluded", "it is on the list of excluded samples"},
		{"no_rating", "no rating", "the scorer rated it for none of the capabilities asked for"},
		{"below_threshold", "below threshold", "no rating exceeds its capability's threshold"},
		{"source_cap", "source at its cap", "its source has as many selected samples as allowed"},
		{"style_cap", "style at its cap", "one of its styles has as many selected samples as allowed"},
		{"modality_cap", "modality at its cap",
			"its number of images or turns has as many selected samples as allowed"},
		{"image_cap", "image at its cap", "one of its images has as many selected samples as allowed"},
		{"cluster_cap", "near duplicates at their cap",
			"its near duplicates have as many selected samples as allowed"},
		{"template_cap", "template at its cap",
			"the template of its first question has as many selected samples as allowed"},
		{"near_evaluation", "near to an evaluation set",
			"an item of an evaluation set has nearly the same image and text, or the image where that is enough"},
		{"too_many_tokens", "too long", "it has more tokens than remained of the budget"},
		{"outranked", "outranked",
			"other samples used the budget first, by the turns of capabilities, the sizes of bins, and rank"},
	},
}
