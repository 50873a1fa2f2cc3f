package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/scorer/embedded/training"
	"github.com/harvest-ml/harvest/shared/study/agreement"
)

// A trained is what train tells: with --json, as this object, and beside the weights.
type trained struct {
	Features    string        `json:"features"` // their version
	Weights     trainedFile   `json:"weights"`
	Annotations trainedFile   `json:"annotations"`
	Manifests   []trainedFile `json:"manifests"`
	Rubric      string        `json:"rubric"` // hash
	Samples     int           `json:"samples"`
	Sources     int           `json:"sources"`
	// Penalties are the regularisation that cross-validation chose, of each capability and then each style. Nothing is drawn by
	// chance, so there is no seed.
	Penalties []float64 `json:"penalties"`
	Date      string    `json:"date"`
	Command   string    `json:"command"` // with the names of files, not their folders
	// SeenSources is the agreement with annotations of samples whose images were left out of the training, UnseenSources of those
	// whose sources were; null where there is one source only.
	SeenSources   *validated `json:"seen_sources"`
	UnseenSources *validated `json:"unseen_sources"`
	Seconds       float64    `json:"seconds,omitempty"`

	capabilities, styles []string
}

// A trainedFile is a file that weights were made from, or they themselves.
type trainedFile struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// A validated is what a report says in sum; it holds nothing of the samples.
type validated struct {
	Mean         validatedCapability            `json:"mean"`
	Capabilities map[string]validatedCapability `json:"capabilities"`
	MicroF1      agreement.Value                `json:"styles_micro_f1"`
	Styles       map[string]agreement.Value     `json:"styles_f1"`
	// Above is the number of capabilities whose order within sources is better than chance.
	Above   int                        `json:"above_within_source"`
	Overlap map[string]agreement.Value `json:"selection_overlap"`
}

type validatedCapability struct {
	agreement.Figures
	WithinSource agreement.Value `json:"within_source"`
}

func newValidated(r *agreement.Report) *validated {
	if r == nil {
		return nil
	}
	v := &validated{
		Mean:         validatedCapability{r.Mean.Figures, r.WithinSource.Spearman},
		Capabilities: map[string]validatedCapability{}, Styles: map[string]agreement.Value{},
		MicroF1: r.Styles.MicroF1, Above: r.WithinSource.Above, Overlap: r.Overlap,
	}
	for name, c := range r.Capabilities {
		v.Capabilities[name] = validatedCapability{c.Figures, r.WithinSource.Capabilities[name].Spearman}
	}
	for name, s := range r.Styles.Styles {
		v.Styles[name] = s.F1
	}
	return v
}

func newTrained(data *annotated, annotations string, r *training.Result) (*trained, error) {
	t := &trained{
		Features: embedded.Version, Rubric: data.rubric.Hash(), Samples: r.Samples, Sources: len(r.SeenSources.Sources), Penalties: r.Penalties,
		Date: time.Now().UTC().Format(time.DateOnly), SeenSources: newValidated(r.SeenSources), UnseenSources: newValidated(r.UnseenSources),
		capabilities: data.rubric.Capabilities, styles: data.rubric.Styles,
	}
	t.Command = "harvest train --annotations " + filepath.Base(annotations)
	var err error
	if t.Annotations, err = newTrainedFile(annotations); err != nil {
		return nil, err
	}
	for _, m := range data.Manifests {
		f, err := newTrainedFile(m)
		if err != nil {
			return nil, err
		}
		t.Manifests = append(t.Manifests, f)
		t.Command += " --manifest " + f.Name
	}
	if data.Images != filepath.Dir(data.Manifests[0]) {
		t.Command += " --images " + filepath.Base(data.Images)
	}
	if data.Rubric != "" {
		t.Command += " --rubric " + filepath.Base(data.Rubric)
	}
	return t, nil
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// newTrainedFile describes a file.
func newTrainedFile(name string) (trainedFile, error) {
	file, err := os.Open(name)
	if err != nil {
		return trainedFile{}, err
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	if err != nil {
		return trainedFile{}, fmt.Errorf("reading %s: %w", name, err)
	}
	return trainedFile{Name: filepath.Base(name), Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// originExt is the ending of the file that tells where weights come from.
const originExt = ".json"

// write writes the weights, and beside them where they come from.
func (t *trained) write(file string, w *embedded.Weights) error {
	data, err := w.Encode()
	if err != nil {
		return err
	}
	t.Command += " --out " + filepath.Base(file)
	t.Weights = trainedFile{Name: filepath.Base(file), Bytes: int64(len(data)), SHA256: hashOf(data)}
	origin, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return fmt.Errorf("describing the weights: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("writing weights: %w", err)
	}
	if err := renameio.WriteFile(file, data, 0o644); err != nil {
		return fmt.Errorf("writing weights: %w", err)
	}
	if err := renameio.WriteFile(strings.TrimSuffix(file, filepath.Ext(file))+originExt, append(origin, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the origin of the weights: %w", err)
	}
	return nil
}
