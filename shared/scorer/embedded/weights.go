package embedded

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/harvest-ml/harvest/shared/dataset/compression"
	"github.com/harvest-ml/harvest/shared/scorer/reach"
	"github.com/klauspost/compress/zstd"
)

// Weights are the result of training: a linear model (a head) for each capability, and then one for each style. They
// contain no texts of samples, only weights of hashed n-grams.
type Weights struct {
	Header
	// Dense has a weight for each dense feature and head; the weights of all heads for one feature are adjacent.
	Dense []float32
	// Prototypes are positions of training samples, concatenated. Similarities has a weight for each prototype and head;
	// the weights of all heads for one prototype are adjacent. So a sample gets similar values as similar prototypes.
	Prototypes   []int8
	Similarities []float32
	// Grams has a weight for each bucket and head, in units of GramUnits; the weights of all heads for one bucket are
	// adjacent.
	Grams []int8
}

// A Header is the part of the weights that a weights file stores as JSON.
type Header struct {
	// Version is the version of the features that the weights were trained on.
	Version string `json:"version"`
	// Capabilities and Styles are the capabilities and styles of the rubric, in its order.
	Capabilities []string `json:"capabilities"`
	Styles       []string `json:"styles"`
	// Mean and Scale standardise a dense feature: (value - mean) * scale, clipped to ±Clip.
	Mean  []float32 `json:"mean"`
	Scale []float32 `json:"scale"`
	// Bias is the value of each head if all features are 0.
	Bias []float32 `json:"bias"`
	// GramUnits is the unit of the n-gram weights of each head.
	GramUnits []float32 `json:"gram_units"`
	// PrototypeCount is the number of prototypes.
	PrototypeCount int `json:"prototypes"`
	// Cuts has, for each capability, the least values of the head for the ratings 1, 2, 3, 4 and 5.
	Cuts [][5]float32 `json:"cuts"`
	// Thresholds has a value for each style. If the head's value is above it, the sample gets the style.
	Thresholds []float32 `json:"thresholds"`
	// Reach gives the expected errors by the distance to the training samples; nil if they are not known.
	Reach *reach.Scale `json:"reach,omitempty"`
	// Taught describes the user's annotations that were added in training; nil if none were added.
	Taught *Taught `json:"taught,omitempty"`
}

// Taught describes annotations of the user's dataset that were added in training.
type Taught struct {
	Teacher     string `json:"teacher"`     // id of the scorer that annotated; "file" for other annotators
	Annotations string `json:"annotations"` // 12 hex digits of the SHA-256 of their file
}

// Clip bounds a standardised dense feature, so that an extreme value does not outweigh all others.
const Clip = 4

// Heads returns the number of linear models.
func (h *Header) Heads() int { return len(h.Capabilities) + len(h.Styles) }

// check returns an error if the version is wrong, or if the lengths of the arrays contradict each other.
func (w *Weights) check() error {
	heads, features := w.Heads(), len(FeatureNames())
	switch {
	case w.Version != Version:
		return fmt.Errorf("the weights have version %q of the features, but this program has version %q: "+
			"train them again with this program", w.Version, Version)
	case len(w.Mean) != features || len(w.Scale) != features || len(w.Bias) != heads || len(w.GramUnits) != heads ||
		len(w.Prototypes) != w.PrototypeCount*(features-RuleFeatures) || len(w.Similarities) != w.PrototypeCount*heads ||
		len(w.Cuts) != len(w.Capabilities) || len(w.Thresholds) != len(w.Styles) ||
		len(w.Dense) != features*heads || len(w.Grams) != Buckets*heads:
		return errors.New("the sizes of the weights' parts contradict each other: train the weights again")
	}
	return nil
}

// Encode returns the weights as a file, compressed by zstd: a line of JSON with the header, then the numbers.
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

// arrays returns the numbers in the order of the file.
func (w *Weights) arrays() []any { return []any{w.Dense, w.Similarities, w.Prototypes, w.Grams} }

// maxWeights is the largest decompressed size of a weights file. A rubric of 1000 capabilities and styles fits.
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
	if err != nil && compression.Of(file) == compression.Zstd {
		return nil, fmt.Errorf("the file is cut short or damaged (%w): copy or train it again", err)
	} else if err != nil {
		return nil, fmt.Errorf("this is not a file of weights (%w); `harvest train` writes them", err)
	}
	head, numbers, found := bytes.Cut(plain, []byte("\n"))
	w := &Weights{}
	if !found || json.Unmarshal(head, &w.Header) != nil {
		return nil, errors.New("this is not a file of weights; `harvest train` writes them")
	}
	// Compare the sizes in the header with the size of the file before memory is allocated for them.
	features, heads := uint64(len(w.Mean)), uint64(w.Heads())
	count := uint64(max(w.PrototypeCount, 0))
	want := 4*heads*(features+count) + count*max(features, RuleFeatures) - count*RuleFeatures + uint64(Buckets)*heads
	if size := uint64(len(numbers)); count > size || size != want {
		return nil, fmt.Errorf("the file has %d bytes of numbers, but its header describes %d: copy or train it again",
			len(numbers), want)
	}
	w.Dense, w.Similarities = make([]float32, features*heads), make([]float32, count*heads)
	w.Prototypes, w.Grams = make([]int8, count*(max(features, RuleFeatures)-RuleFeatures)), make([]int8, Buckets*w.Heads())
	from := bytes.NewReader(numbers)
	for _, array := range w.arrays() {
		if err := binary.Read(from, binary.LittleEndian, array); err != nil {
			return nil, err
		}
	}
	return w, w.check()
}

// capability returns the index of a capability's head; -1 if there is none.
func (h *Header) capability(name string) int { return slices.Index(h.Capabilities, name) }

// style returns the index of a style's head; -1 if there is none.
func (h *Header) style(name string) int {
	i := slices.Index(h.Styles, name)
	if i < 0 {
		return -1
	}
	return len(h.Capabilities) + i
}
