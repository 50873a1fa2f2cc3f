// Package reason has the table of reasons why samples are not scored, or not selected. A code is stable: it is stored
// with scores and in a selection's outputs, and programs may depend on it. A phrase is for people, and may change in
// later versions. Each package defines the codes of the faults that it finds. This table has all codes.
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
	// Meaning explains when a sample has the reason.
	Meaning string
}

// Phrase returns the code's short phrase; the code itself if the table does not have it.
func (c Code) Phrase() string {
	if e, ok := lookup(c); ok {
		return e.Phrase
	}
	return string(c)
}

// Text returns the reason as a text: the phrase and a detail, which may be empty.
func (c Code) Text(detail string) string {
	if detail == "" {
		return c.Phrase()
	}
	return c.Phrase() + ": " + detail
}

// Meaning returns an explanation of when a sample has the reason. It returns "" for a code that the table does not
// have.
func (c Code) Meaning() string {
	e, _ := lookup(c)
	return e.Meaning
}

// ByNearness reports whether the reason is that the sample is near to an item of an evaluation set, or to a selected
// sample.
func (c Code) ByNearness() bool { return c == "near_evaluation" || c == "cluster_cap" }

// MostFrequent returns the code with the highest count; among equal counts, the first code in alphabetical order. It
// returns "" if there are no counts.
func MostFrequent(counts map[Code]int64) Code {
	codes := slices.Sorted(maps.Keys(counts))
	if len(codes) == 0 {
		return ""
	}
	return slices.MaxFunc(codes, func(a, b Code) int {
		return cmp.Or(cmp.Compare(counts[a], counts[b]), cmp.Compare(b, a))
	})
}

// A Subject is the thing that must be fixed.
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
		{"not_json_object", "not a JSON object", "the record is invalid JSON, or a value other than an object"},
		{"record_too_large", "record too large", "the record is longer than MAX_RECORD_BYTES"},
		{"record_unreadable", "record unreadable", "the manifest is a binary file that is damaged at the record"},
		{"wrong_type", "wrong type", "a field has a value of the wrong type"},
		{"unsupported_media", "unsupported media", "the record has video, audio, or images in an unsupported form"},
		{"no_conversation", "no conversation", "the record has no turns"},
		{"two_conversations", "two conversations", "fields of two forms have different conversations"},
		{"unknown_role", "unknown role", "a turn has no role, or an unknown role"},
		{"empty_turn", "empty turn", "a rated turn has neither text nor image"},
		{"no_question", "no question", "there is no human turn"},
		{"no_answer", "no answer", "there is no model turn after a human turn"},
		{"image_count", "image count", "the numbers of images and of their places differ"},
		{"too_many_images", "too many images", "the sample has more images than the limits or the sidecar allow"},
		{"unsafe_image_name", "unsafe image name", "an image's name is absolute, leads out of the dataset, or is a URL"},
		{"broken_image_data", "broken image data", "an embedded image is empty, cannot be read, or is not valid base64"},
		{"member_unusable", "member unusable",
			"a member of the sample in the archive is a link, repeated, cut short, or not next to the other members"},
		{"manifest_changed", "manifest changed", "the manifest was replaced before the record was read"},
	},
	Image: {
		{"image_not_found", "image not found", "no file or object has the image's name"},
		{"image_unreadable", "image unreadable", "the image exists, but this machine cannot read it"},
		{"image_not_allowed", "image not allowed", "the image is in a place that this dataset may not read"},
		{"image_empty", "image empty", "the image's file has no bytes"},
		{"image_too_large", "image too large",
			"the image has too many bytes or pixels, or decoding it takes too much memory"},
		{"images_too_large_together", "images too large together",
			"the images of the sample together have too many bytes"},
		{"image_format_unknown", "image format unknown", "the file is not an image in a supported format"},
		{"image_undecodable", "image does not decode", "the image's file is damaged or cut short"},
	},
	Scorer: {
		{"scorer_died", "scorer died on this sample", "the scorer's process ended each time when it rated only this sample"},
		{"invalid_answer", "invalid answer", "the model's answer was invalid under the rubric twice"},
		{"refused_by_model", "refused by the model", "the model, or its server, refuses the sample"},
		{"prompt_too_long", "prompt too long", "the sample has more tokens than the sidecar allows"},
		{"not_finite", "not finite", "the model's answer has numbers that are not finite"},
		{"given_up", "given up", "the sample's shard failed in all its attempts, and the run was resumed without it"},
	},
	Selection: {
		{"not_annotated", "not annotated", "the other file of annotations does not have the sample"},
		{"no_known_style", "no known style", "the scorer gave the sample no style of the rubric, so it is in no bin"},
		{"filtered_by_style", "filtered by style", "the selection excludes a style of the sample"},
		{"filtered_by_source", "filtered by source", "the selection excludes the source of the sample"},
		{"filtered_by_condition", "filtered by condition", "the sample does not fulfil all conditions"},
		{"duplicate", "duplicate", "another sample has the same texts and images"},
		{"excluded", "excluded", "the sample is on the list of excluded samples"},
		{"no_rating", "no rating", "the sample has no rating for the requested capabilities"},
		{"below_threshold", "below threshold", "no rating exceeds its capability's threshold"},
		{"source_cap", "source at its cap", "the allowed number of samples of its source is selected"},
		{"style_cap", "style at its cap", "the allowed number of samples of one of its styles is selected"},
		{"modality_cap", "modality at its cap",
			"the allowed number of samples of its modality is selected"},
		{"image_cap", "image at its cap", "the allowed number of samples with one of its images is selected"},
		{"cluster_cap", "near duplicates at their cap",
			"the allowed number of its near duplicates is selected"},
		{"template_cap", "template at its cap",
			"the allowed number of samples with the template of its first question is selected"},
		{"near_evaluation", "near to an evaluation set",
			"an item of an evaluation set has nearly the same image and text, or, with exclude_images, nearly the same image"},
		{"too_many_tokens", "too long", "the sample has more tokens than remained of the budget"},
		{"outranked", "outranked",
			"the budget was filled with other samples, because of the turns of capabilities, the sizes of bins, and ranks"},
	},
}
