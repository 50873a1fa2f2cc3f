package training

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/scorer/reach"
	"github.com/harvest-ml/harvest/shared/study/agreement"
)

// OriginExt is the ending of the file next to a file of weights that holds their Origin as JSON.
const OriginExt = ".json"

// An Origin is where weights come from and how well they did. It holds nothing of the samples.
type Origin struct {
	Features    string `json:"features"` // their version
	Weights     File   `json:"weights"`
	Annotations File   `json:"annotations"`
	Manifests   []File `json:"manifests"`
	Rubric      string `json:"rubric"` // hash
	Samples     int    `json:"samples"`
	Sources     int    `json:"sources"`
	// Penalties are the regularisation that cross-validation chose, of each capability and then each style. Nothing is
	// random, so there is no seed.
	Penalties []float64 `json:"penalties"`
	Date      string    `json:"date"`    // of the training, 2006-01-02, in UTC
	Command   string    `json:"command"` // with the names of files, not their folders
	// SeenSources is the agreement with annotations of samples whose images were left out of the training,
	// UnseenSources of those whose sources were; null where there is one source only.
	SeenSources   *Validation `json:"seen_sources"`
	UnseenSources *Validation `json:"unseen_sources"`
	// Added says what own samples were added to; null of weights that were learned from annotations alone. SeenSources,
	// UnseenSources and Pools are then null.
	Added *AddedOrigin `json:"added,omitempty"`
	// Pools is the agreement on pools of three unseen sources, which is what to expect of a dataset whose sources are not
	// among those learned from; null where there are no more sources.
	Pools *agreement.Pools `json:"pools"`
	// Reach is what is known of errors by the distance of a sample from what was learned from; it stands in the weights,
	// too. Null where too few families of sources were learned from.
	Reach *reach.Scale `json:"reach"`
}

// An AddedOrigin is where weights come from that own samples were added to.
type AddedOrigin struct {
	Own int `json:"own"` // samples
	// Variant says how own samples and those of the base were learned from together, Alone names the capabilities for
	// which own samples count only.
	Variant string   `json:"variant"`
	Alone   []string `json:"own_samples_alone"`
	// LeftOut is the agreement on own samples with what was learned without them, Before that of the weights that the
	// samples were added to. Both are measured on the same samples.
	LeftOut *Validation `json:"left_out"`
	Before  *Validation `json:"before"`
}

// Origin is what an addition to a base, at a time, says of itself. The caller adds files and command.
func (a *Addition) Origin(base *Base, rub *rubric.Rubric, at time.Time) *Origin {
	sources := map[string]bool{}
	for _, name := range slices.Concat(base.sources(), a.sources) {
		sources[name] = true
	}
	return &Origin{
		Features: embedded.Version, Rubric: rub.Hash(), Samples: len(base.Samples) + a.Own, Sources: len(sources),
		Penalties: base.Penalties, Date: at.UTC().Format(time.DateOnly),
		Added: &AddedOrigin{
			Own: a.Own, Variant: a.Variant, Alone: append([]string{}, a.Alone...),
			LeftOut: newValidation(a.Left), Before: newValidation(a.Before),
		},
		Reach: a.Weights.Reach,
	}
}

// A File is one that weights were made from, or the weights themselves.
type File struct {
	Name   string `json:"name"` // without its folder
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // in hex
}

// A Validation is the summary of a report on predictions for samples that were left out of the training.
type Validation struct {
	Mean         Figures                    `json:"mean"`
	Capabilities map[string]Figures         `json:"capabilities"`
	MicroF1      agreement.Value            `json:"styles_micro_f1"`
	Styles       map[string]agreement.Value `json:"styles_f1"`
	// Above is the number of capabilities whose order within sources is better than chance.
	Above   int                        `json:"above_within_source"`
	Overlap map[string]agreement.Value `json:"selection_overlap"`
}

// Figures are the agreement on one capability, or the mean of all.
type Figures struct {
	agreement.Figures
	WithinSource agreement.Value `json:"within_source"` // Spearman
	// Samples is how many were compared; 0 in weights of before it was counted.
	Samples int `json:"samples,omitempty"`
}

// Origin is what the result of a training under a rubric, at a time, says of itself. The caller adds files and command.
func (r *Result) Origin(rub *rubric.Rubric, at time.Time) *Origin {
	return &Origin{
		Features: embedded.Version, Rubric: rub.Hash(), Samples: r.Samples, Sources: len(r.SeenSources.Sources),
		Penalties: r.Penalties, Date: at.UTC().Format(time.DateOnly),
		SeenSources: newValidation(r.SeenSources), UnseenSources: newValidation(r.UnseenSources),
		Pools: r.Pools, Reach: r.Weights.Reach,
	}
}

// newValidation summarises a report; it is nil for none.
func newValidation(r *agreement.Report) *Validation {
	if r == nil {
		return nil
	}
	v := &Validation{
		Mean:         Figures{r.Mean.Figures, r.WithinSource.Spearman, r.Samples},
		Capabilities: map[string]Figures{}, Styles: map[string]agreement.Value{},
		MicroF1: r.Styles.MicroF1, Above: r.WithinSource.Above, Overlap: r.Overlap,
	}
	for name, c := range r.Capabilities {
		v.Capabilities[name] = Figures{c.Figures, r.WithinSource.Capabilities[name].Spearman, c.Compared}
	}
	for name, s := range r.Styles.Styles {
		v.Styles[name] = s.F1
	}
	return v
}

// NewFile describes content of a file name.
func NewFile(name string, content []byte) File {
	sum := sha256.Sum256(content)
	return File{Name: filepath.Base(name), Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
}

// ReadFile describes a file on this machine, without holding its content.
func ReadFile(name string) (File, error) {
	file, err := os.Open(name)
	if err != nil {
		return File{}, err
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	if err != nil {
		return File{}, fmt.Errorf("reading %s: %w", name, err)
	}
	return File{Name: filepath.Base(name), Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}
