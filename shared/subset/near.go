package subset

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/similarity"
)

// A NearLine is a line of near.jsonl or clusters.jsonl: a sample, and an item or sample near to it.
type NearLine struct {
	// Kind is image, text or both if an item of an evaluation set is near. It is cluster if the sample is left out because
	// enough of its near duplicates are selected.
	Kind  string `json:"kind"`
	ID    string `json:"id"`
	Index int64  `json:"index"` // idx in the dataset, from 0
	NearTo
	// Dropped reports whether the sample is left out for this reason.
	Dropped bool `json:"dropped"`
}

// NearTo names an item or a sample that is near to another sample.
type NearTo struct {
	// Near names an item of an evaluation set, by the name of its file and its id, or a selected sample by its id.
	Near string `json:"near"`
	// The distances are in bits, 0 to 256. They are nil if there is no image or text to compare, and for clusters.
	ImageDistance *int `json:"image_distance,omitempty"`
	TextDistance  *int `json:"text_distance,omitempty"`
}

// String returns Near and the distances as text.
func (n NearTo) String() string {
	text := n.Near
	if n.ImageDistance != nil {
		text += fmt.Sprintf(", images differ in %d of %d bits", *n.ImageDistance, similarity.Bits)
	}
	if n.TextDistance != nil {
		text += fmt.Sprintf(", texts in %d", *n.TextDistance)
	}
	return text
}

// A nearSamples has the samples that a selection left out because they are near to an item or to another sample. It
// maps the index of each such sample to that item or sample.
type nearSamples map[int64]NearTo

// bytes estimates the memory of n. The names of items are shared.
func (n nearSamples) bytes() int { return 100 * len(n) }

// of returns the item or sample near to the sample at an index; nil if the sample was left out for another reason.
func (n nearSamples) of(index int64, why reason.Code) *NearTo {
	if !why.ByNearness() {
		return nil
	}
	to, known := n[index]
	if !known {
		return nil
	}
	return &to
}

// nearTo reads the nearSamples of a selection.
func (r *Reader) nearTo(ctx context.Context, sel *Selection) (nearSamples, error) {
	if sel.Outputs.Near == "" && sel.Outputs.Clusters == "" {
		return nil, nil
	}
	return r.near.Get(ctx, sel.Run+" "+sel.ID, func(ctx context.Context) (nearSamples, error) {
		near, names := nearSamples{}, map[string]string{}
		add := func(line NearLine) error {
			if _, known := near[line.Index]; known || !line.Dropped {
				return nil
			}
			if name, known := names[line.Near]; known {
				line.Near = name
			}
			names[line.Near] = line.Near
			near[line.Index] = line.NearTo
			return nil
		}
		if err := r.EachNear(ctx, sel, add); err != nil {
			return nil, err
		}
		return near, nil
	})
}

// EachNear calls use with each line of near.jsonl of a selection, and then with each line of clusters.jsonl, in order.
// It stops at an error of use.
func (r *Reader) EachNear(ctx context.Context, sel *Selection, use func(NearLine) error) error {
	for _, object := range []string{sel.Outputs.Near, sel.Outputs.Clusters} {
		if object == "" {
			continue
		}
		if err := r.readNear(ctx, sel.Run, sel.ID, object, use); err != nil {
			return err
		}
	}
	return nil
}

// readNear calls use with the lines of an object of a selection. It stops at an error of use.
func (r *Reader) readNear(ctx context.Context, runID, id, object string, use func(NearLine) error) error {
	body, err := r.work.Open(ctx, object, 0, 0, -1)
	if err != nil {
		return r.lost(runID, id, err)
	}
	defer body.Close()
	lines := json.NewDecoder(bufio.NewReader(body))
	for {
		var line NearLine
		if err := lines.Decode(&line); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return r.lost(runID, id, fmt.Errorf("reading %s: %w: %w", object, bucket.ErrDamaged, err))
		}
		if err := use(line); err != nil {
			return err
		}
	}
}

// writeNear writes an object with lines, unless it exists. each calls its argument with each line.
func (s *Selector) writeNear(ctx context.Context, object string, each func(func(NearLine) error) error) error {
	_, err := bucket.CreateOnce(ctx, s.work, object, func(w io.Writer) error {
		var text []byte
		return each(func(line NearLine) error {
			text = append(jsontext.Append(text[:0], line), '\n')
			_, err := w.Write(text)
			return err
		})
	})
	return err
}
