package llm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// A parsedAnswer is a model's answer that is valid under the rubric.
type parsedAnswer struct {
	Reason  string
	Ratings []int8 // in the order of capabilities
	Styles  []string
}

// maxFaults is the largest number of faults of one answer that an error names.
const maxFaults = 5

// parseAnswer reads an answer. Every deviation from the requested form is a fault. The error names the first maxFaults
// faults. It is sent to the model.
func parseAnswer(text string, r *rubric.Rubric) (parsedAnswer, error) {
	fields, err := object(unfence(text))
	if err != nil {
		return parsedAnswer{}, err
	}
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	var out parsedAnswer
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name != "reason" && name != "ratings" && name != "styles" {
			fault("it has a field %q, which was not asked for", name)
		}
	}
	if data, ok := fields["reason"]; !ok {
		fault("reason is missing")
	} else if err := strictString(data, &out.Reason); err != nil {
		fault("reason is no text")
	}
	out.Reason = oneLine(out.Reason)
	if data, ok := fields["ratings"]; !ok && len(r.Capabilities) > 0 {
		fault("ratings is missing")
	} else if ok {
		out.Ratings = readRatings(data, r.Capabilities, fault)
	}
	if data, ok := fields["styles"]; !ok {
		fault("styles is missing")
	} else {
		out.Styles = readStyles(data, r.Styles, fault)
	}
	if len(faults) == 0 {
		return out, nil
	}
	if more := len(faults) - maxFaults; more > 0 {
		faults = append(faults[:maxFaults], fmt.Sprintf("and %d faults more", more))
	}
	return parsedAnswer{}, errors.New(strings.Join(faults, "; "))
}

func readRatings(data json.RawMessage, capabilities []string, fault func(string, ...any)) []int8 {
	values, err := object(string(data))
	if err != nil {
		fault("ratings: %v", err)
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(capabilities, name) {
			fault("ratings has %q, which is no capability", name)
		}
	}
	ratings := make([]int8, len(capabilities))
	for i, c := range capabilities {
		value, ok := values[c]
		if !ok {
			fault("the rating of %q is missing", c)
			continue
		}
		n, err := strconv.Atoi(string(value))
		if err != nil || n < 0 || n > scorer.MaxRating {
			fault("the rating of %q is %.40s, and should be a whole number from 0 to %d", c, value, scorer.MaxRating)
			continue
		}
		ratings[i] = int8(n)
	}
	return ratings
}

func readStyles(data json.RawMessage, known []string, fault func(string, ...any)) []string {
	var values []json.RawMessage
	if err := json.Unmarshal(data, &values); err != nil {
		fault("styles is no list")
		return nil
	}
	var styles []string
	for _, value := range values {
		var style string
		if err := strictString(value, &style); err != nil || !slices.Contains(known, style) {
			fault("styles has %.60s, which is no style", value)
			continue
		}
		if !slices.Contains(styles, style) {
			styles = append(styles, style)
		}
	}
	if len(values) == 0 {
		fault("styles is empty, and should have one at least")
	}
	return styles
}

// object reads exactly one JSON object. Names are case-sensitive and must be unique.
func object(text string) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("it is no JSON object")
	}
	fields := map[string]json.RawMessage{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("it is no JSON: %w", err)
		}
		name, _ := token.(string) // a JSON decoder returns only names here
		if _, twice := fields[name]; twice {
			return nil, fmt.Errorf("it has %q twice", name)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, fmt.Errorf("it is no JSON: %w", err)
		}
		fields[name] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, errors.New("it is cut off")
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON object")
	}
	return fields, nil
}

// strictString reads a JSON string. It does not accept null.
func strictString(data json.RawMessage, s *string) error {
	if !bytes.HasPrefix(data, []byte{'"'}) {
		return errors.New("no text")
	}
	return json.Unmarshal(data, s)
}

// unfence removes a Markdown fence around an answer, which models often add.
func unfence(text string) string {
	text = strings.TrimSpace(text)
	inner, fenced := strings.CutPrefix(text, "```")
	if !fenced {
		return text
	}
	inner, closed := strings.CutSuffix(inner, "```")
	if !closed {
		return text
	}
	return strings.TrimSpace(strings.TrimPrefix(inner, "json"))
}

// oneLine converts a reason to one line of at most maxReason characters.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > maxReason {
		return string(runes[:maxReason])
	}
	return s
}
