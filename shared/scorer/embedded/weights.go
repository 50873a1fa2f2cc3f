package embedded

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/harvest-ml/harvest/shared/scorer/reach"
	"github.com/klauspost/compress/zstd"
)

// Weights are what training learns: a linear model, the head, for each capability and then for each style. They
// hold nothing of a sample's text but hashes.
type Weights struct {
	Header
	// Dense holds a weight for each dense feature and head, all heads of a feature together.
	Dense []float32
	// Prototypes are positions of samples that were learned from, one after another, and Likenesses holds a weight for
	// each of them and head, all heads of a prototype together: what is like them is rated like them.
	Prototypes []int8
	Likenesses []float32
	// Grams holds a weight for each bucket and head, all heads of a bucket together, in units of GramUnits.
	Grams []int8
}

// A Header is the small part of weights.
type Header struct {
	// Version is that of the features that the weights were trained on.
	Version string `json:"version"`
	// Capabilities and Styles are the rubric's, in its order.
	Capabilities []string `json:"capabilities"`
	Styles       []string `json:"styles"`
	// Mean and Scale bring a dense feature to the form that its weights are for: (value - mean) * scale, within ±Clip.
	Mean  []float32 `json:"mean"`
	Scale []float32 `json:"scale"`
	// Bias is each head's value where all features are 0.
	Bias []float32 `json:"bias"`
	// GramUnits are each head's units of gram weights.
	GramUnits []float32 `json:"gram_units"`
	// PrototypeCount is the number of prototypes.
	PrototypeCount int `json:"prototypes"`
	// Cuts are, for each capability, the values from which on a sample is rated 1 to 5.
	Cuts [][5]float32 `json:"cuts"`
	// Thresholds are, for each style, the value above which a sample has it.
	Thresholds []float32 `json:"thresholds"`
	// Reach is what is known of the errors on samples that are unlike what was learned from; nil where nothing is.
	Reach *reach.Scale `json:"reach,omitempty"`
	// Taught is whose annotations were learned from, next to what the embedded weights were; nil of weights without any.
	Taught *Taught `json:"taught,omitempty"`
}

// Taught names annotations of a dataset's own that weights were learned from.
type Taught struct {
	Teacher     string `json:"teacher"`     // the id of the scorer that annotated; "file" of annotations from elsewhere
	Annotations string `json:"annotations"` // 12 hex digits of the SHA-256 of their file
}

// Clip bounds a dense feature, so that nothing in a strange sample outweighs all else.
const Clip = 4

// Heads is the number of linear models.
func (h *Header) Heads() int { return len(h.Capabilities) + len(h.Styles) }

// check names what does not fit together.
func (w *Weights) check() error {
	heads, features := w.Heads(), len(FeatureNames())
	switch {
	case w.Version != Version:
		return fmt.Errorf("they are for version %q of the features, and this is version %q: "+
			"train them again with this program", w.Version, Version)
	case len(w.Mean) != features || len(w.Scale) != features || len(w.Bias) != heads || len(w.GramUnits) != heads ||
		len(w.Prototypes) != w.PrototypeCount*(features-RuleFeatures) || len(w.Likenesses) != w.PrototypeCount*heads ||
		len(w.Cuts) != len(w.Capabilities) || len(w.Thresholds) != len(w.Styles) ||
		len(w.Dense) != features*heads || len(w.Grams) != Buckets*heads:
		return errors.New("their parts do not fit together: train them again")
	}
	return nil
}

// Encode is the weights as a file: the header as a line of JSON, then the numbers, compressed by zstd.
func (w *Weights) Encode() ([]byte, error) {
	if err := w.check(); err != nil {
		return nil, fmt.Errorf("encoding weights: %w", err)
	}
	var plain bytes.Buffer
	if err := json.NewEncoder(&plain).Encode(w.Header); err != nil {
		return nil, fmt.Errorf("encoding weights: %w", err)
	}
	for _, array := range w.arrays() {
		if err := binary.Write(&plain, binary.LittleEndian, array); err != nil {
			return nil, fmt.Errorf("encoding weights: %w", err)
		}
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return nil, fmt.Errorf("encoding weights: %w", err)
	}
	defer enc.Close()
	return enc.EncodeAll(plain.Bytes(), nil), nil
}

// arrays are the numbers in the order of the file.
func (w *Weights) arrays() []any { return []any{w.Dense, w.Likenesses, w.Prototypes, w.Grams} }

// maxWeights bounds what a file unpacks to: that of a rubric of 1000 capabilities and styles.
const maxWeights uint64 = 1000*(uint64(Buckets)+4096) + 1<<20

// DecodeWeights reads weights that Encode wrote.
func DecodeWeights(file []byte) (*Weights, error) {
	w, err := decodeWeights(file)
	if err != nil {
		return nil, fmt.Errorf("reading weights: %w", err)
	}
	return w, nil
}

func decodeWeights(file []byte) (*Weights, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxWeights))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	plain, err := dec.DecodeAll(file, nil)
	if err != nil {
		return nil, fmt.Errorf("this is not a file of weights (%w); `harvest train` writes them", err)
	}
	head, numbers, found := bytes.Cut(plain, []byte("\n"))
	w := &Weights{}
	if !found || json.Unmarshal(head, &w.Header) != nil {
		return nil, errors.New("this is not a file of weights; `harvest train` writes them")
	}
	// What the header claims is compared with what is there before memory is taken for it.
	features, heads := uint64(len(w.Mean)), uint64(w.Heads())
	count := uint64(max(w.PrototypeCount, 0))
	want := 4*heads*(features+count) + count*max(features, RuleFeatures) - count*RuleFeatures + uint64(Buckets)*heads
	if size := uint64(len(numbers)); count > size || size != want {
		return nil, fmt.Errorf("%d bytes of numbers, and the header describes %d: copy or train the file again",
			len(numbers), want)
	}
	w.Dense, w.Likenesses = make([]float32, features*heads), make([]float32, count*heads)
	w.Prototypes, w.Grams = make([]int8, count*(max(features, RuleFeatures)-RuleFeatures)), make([]int8, Buckets*w.Heads())
	from := bytes.NewReader(numbers)
	for _, array := range w.arrays() {
		if err := binary.Read(from, binary.LittleEndian, array); err != nil {
			return nil, err
		}
	}
	return w, w.check()
}

// capability is the number of a capability's head, -1 if there is none.
func (h *Header) capability(name string) int { return slices.Index(h.Capabilities, name) }

// style is the number of a style's head, -1 if there is none.
func (h *Header) style(name string) int {
	i := slices.Index(h.Styles, name)
	if i < 0 {
		return -1
	}
	return len(h.Capabilities) + i
}
