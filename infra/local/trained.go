package main

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/harvest-ml/harvest/shared/agreement"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/scorer/embedded/training"
	"github.com/jedib0t/go-pretty/v6/table"
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
	Command   string    `json:"command"`
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
	if data.Rubric != "" {
		t.Command += " --rubric " + filepath.Base(data.Rubric)
	}
	return t, nil
}

// print prints what cross-validation tells of the weights.
func (t *trained) print(w io.Writer, file string) error {
	header := []any{"capability", "seen sources: Spearman", "QW kappa", "within source"}
	if t.UnseenSources != nil {
		header = append(header, "unseen sources: Spearman", "QW kappa", "within source")
	}
	capabilities := newTable(header...)
	row := func(name string, of func(*validated) []any) {
		cells := table.Row{name}
		for _, v := range []*validated{t.SeenSources, t.UnseenSources} {
			if v != nil {
				cells = append(cells, of(v)...)
			}
		}
		capabilities.AppendRow(cells)
	}
	for _, name := range t.capabilities {
		row(name, func(v *validated) []any {
			c := v.Capabilities[name]
			return []any{figure(c.Spearman), figure(c.QWK), figure(c.WithinSource)}
		})
	}
	capabilities.AppendSeparator()
	row("mean", func(v *validated) []any {
		return []any{figure(v.Mean.Spearman), figure(v.Mean.QWK), figure(v.Mean.WithinSource)}
	})
	styles := newTable(styleHeader(t.UnseenSources != nil)...)
	for _, name := range append(append([]string{}, t.styles...), "") {
		cells := table.Row{name}
		if name == "" {
			styles.AppendSeparator()
			cells[0] = "all"
		}
		for _, v := range []*validated{t.SeenSources, t.UnseenSources} {
			switch {
			case v == nil:
			case name == "":
				cells = append(cells, figure(v.MicroF1))
			default:
				cells = append(cells, figure(v.Styles[name]))
			}
		}
		styles.AppendRow(cells)
	}
	_, err := fmt.Fprintf(w, "\n%s\n\n%s\n\nAgreement with annotations that were left out of the training: by image for seen sources, by source for unseen ones.\n"+
		"Weights for %d capabilities and %d styles, learned from %d samples of %d sources: %s (%d bytes). Use them as --scorer embedded:%s\n",
		capabilities.Render(), styles.Render(), len(t.capabilities), len(t.styles), t.Samples, t.Sources, file, t.Weights.Bytes, file)
	return err
}

func styleHeader(unseen bool) []any {
	if unseen {
		return []any{"style", "seen sources: F1", "unseen sources: F1"}
	}
	return []any{"style", "seen sources: F1"}
}
