package annotation

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
)

const (
	// maxLine is the length of the longest accepted line, in bytes. A line of the default rubric has about a hundred
	// bytes.
	maxLine = 4 << 20
	// maxFaults is the largest number of invalid lines that an error names.
	maxFaults = 10
)

// Read reads a file of annotations under a rubric. name is the name of the file in messages. Blank lines and unknown
// fields are ignored. A file with invalid lines is refused as a whole. The error names line, field and fix of the first
// ten invalid lines.
func Read(r io.Reader, name string, rub *rubric.Rubric) ([]Annotation, error) {
	var (
		annotations []Annotation
		faults      []error
		invalid     int
		cut         bool // whether the last line ends within its object
	)
	seen := map[string]int{}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	number := 0
	for lines.Scan() {
		number++
		line := lines.Bytes()
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		a, err := parse(line, rub)
		cut = jsontext.EndsWithin(err)
		if first, again := seen[a.ID]; err == nil && again {
			err = fmt.Errorf("id: %q is already annotated on line %d; remove one of the two lines", a.ID, first)
		}
		if err != nil {
			if invalid++; invalid <= maxFaults {
				faults = append(faults, fmt.Errorf("%s: line %d: %w", name, number, err))
			}
			continue
		}
		seen[a.ID] = number
		annotations = append(annotations, a)
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("%s: line %d: the line has more than %d bytes; write one short JSON object on each line",
			name, number+1, maxLine)
	} else if err != nil {
		return nil, fmt.Errorf("reading annotations %s: %w", name, err)
	}
	if invalid > maxFaults {
		faults = append(faults, fmt.Errorf("%s: %d more lines are invalid", name, invalid-maxFaults))
	}
	if cut {
		faults = append(faults, fmt.Errorf("%s: the last line, line %d, ends within its object, so the file is cut short; "+
			"download or write it again", name, number))
	}
	if faults != nil {
		return nil, errors.Join(faults...)
	}
	return annotations, nil
}

// parse reads one line.
func parse(line []byte, rub *rubric.Rubric) (Annotation, error) {
	var fields struct {
		ID     json.RawMessage `json:"id"`
		Scores json.RawMessage `json:"scores"`
		Styles json.RawMessage `json:"styles"`
		Reason json.RawMessage `json:"reason"`
	}
	if err := json.Unmarshal(line, &fields); err != nil {
		if _, wrong := errors.AsType[*json.UnmarshalTypeError](err); wrong {
			err = errors.New("the line is not a JSON object")
		}
		return Annotation{}, fmt.Errorf(`%w; write one like {"id": "…", "scores": [%d numbers], "styles": ["…"]}`,
			err, len(rub.Capabilities))
	}
	id, err := parseID(fields.ID)
	if err != nil {
		return Annotation{}, err
	}
	scores, err := parseScores(fields.Scores, rub.Capabilities)
	if err != nil {
		return Annotation{}, err
	}
	styles, err := parseStyles(fields.Styles, rub.Styles)
	if err != nil {
		return Annotation{}, err
	}
	a := Annotation{ID: id, Scores: scores, Styles: styles}
	if len(fields.Reason) > 0 {
		if err := json.Unmarshal(fields.Reason, &a.Reason); err != nil {
			return Annotation{}, errors.New("reason: the value is not a string; write a string, or remove the field")
		}
	}
	return a, nil
}

// parseID reads an id, which is a string or a number, as in manifests.
func parseID(value json.RawMessage) (string, error) {
	var id string
	if number := json.Number(""); json.Unmarshal(value, &number) == nil && number != "" && value[0] != '"' {
		return number.String(), nil
	}
	if err := json.Unmarshal(value, &id); err != nil || id == "" {
		return "", errors.New("id: it is missing; give the sample's id from its manifest")
	}
	return id, nil
}

func parseScores(value json.RawMessage, capabilities []string) ([]int8, error) {
	var values []json.RawMessage
	if err := json.Unmarshal(value, &values); err != nil || values == nil {
		return nil, fmt.Errorf("scores: the value is not a list; give %d numbers, one for each capability in the order "+
			"of the rubric", len(capabilities))
	}
	if len(values) != len(capabilities) {
		return nil, fmt.Errorf("scores: the list has %d numbers, but the rubric has %d capabilities; give a number or null "+
			"for each capability, or give the rubric of the annotations",
			len(values), len(capabilities))
	}
	scores := make([]int8, len(values))
	for i, v := range values {
		if string(v) == "null" {
			scores[i] = scorer.Missing
			continue
		}
		// 3.0 is accepted as a whole number: programs with nullable columns write it so.
		var rating float64
		if err := json.Unmarshal(v, &rating); err != nil || rating != math.Trunc(rating) || rating < 0 ||
			rating > scorer.MaxRating {
			return nil, fmt.Errorf("scores[%d] (%s): found %s; write a whole number from 0 to %d, or null if "+
				"there is no rating",
				i, capabilities[i], short(v), scorer.MaxRating)
		}
		scores[i] = int8(rating)
	}
	return scores, nil
}

func parseStyles(value json.RawMessage, known []string) ([]string, error) {
	var values []json.RawMessage
	if err := json.Unmarshal(value, &values); err != nil || values == nil {
		return nil, errors.New("styles: the value is not a list; list the sample's styles, the main style first")
	}
	styles := make([]string, len(values))
	for i, v := range values {
		if err := json.Unmarshal(v, &styles[i]); err != nil || !slices.Contains(known, styles[i]) {
			return nil, fmt.Errorf("styles[%d]: %s is not a style of the rubric; its styles are: %s",
				i, short(v), strings.Join(known, ", "))
		}
		if slices.Contains(styles[:i], styles[i]) {
			return nil, fmt.Errorf("styles[%d]: %q is listed twice; list it once", i, styles[i])
		}
	}
	return styles, nil
}

// short shortens a JSON value for a message.
func short(v json.RawMessage) string {
	const most = 60
	if len(v) <= most {
		return string(v)
	}
	return strings.ToValidUTF8(string(v[:most]), "") + "…"
}
