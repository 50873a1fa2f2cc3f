package training

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/scorer/reach"
	"github.com/harvest-ml/harvest/shared/study/agreement"
)

// OriginExt is the extension of the JSON file that holds an Origin. It is next to the weights file.
const OriginExt = ".json"

// An Origin records how weights were trained and validated. It has counts and hashes, but no content of samples.
type Origin struct {
	Features    string `json:"features"` // version of the features
	Weights     File   `json:"weights"`
	Annotations File   `json:"annotations"`
	Manifests   []File `json:"manifests"`
	Rubric      string `json:"rubric"`  // hash of the rubric
	Samples     int    `json:"samples"` // on which the weights were trained
	Sources     int    `json:"sources"` // of these samples
	// Penalties are the regularisation that cross-validation chose for each capability and then each style. The training
	// is not random, so there is no seed.
	Penalties []float64 `json:"penalties"`
	Date      string    `json:"date"`    // of the training, 2006-01-02, in UTC
	Command   string    `json:"command"` // with the names of files, not their folders
	// SeenSources is the agreement on samples whose images were held out. UnseenSources is the agreement on samples whose
	// whole source was held out; it is null if there is only one source.
	SeenSources   *Validation `json:"seen_sources"`
	UnseenSources *Validation `json:"unseen_sources"`
	// Added describes the user's samples that were added to a base. SeenSources, UnseenSources and Pools are then null. It
	// is null for weights that were trained on annotations only.
	Added *AddedOrigin `json:"added,omitempty"`
	// Pools is the agreement on pools of three unseen sources. It predicts the agreement on a dataset of new sources. It
	// is null if there are three sources or fewer.
	Pools *agreement.Pools `json:"pools"`
	// Reach has the expected errors by a sample's distance from the training samples. The weights contain Reach, too. It
	// is null if there are too few families of sources.
	Reach *reach.Scale `json:"reach"`
}

// An AddedOrigin describes weights that were trained by adding the user's samples to a base.
type AddedOrigin struct {
	Own int `json:"own"` // number of the user's samples
	// Variant describes how the samples of the user and of the base were combined. Alone lists the capabilities that were
	// trained only on the user's samples.
	Variant string   `json:"variant"`
	Alone   []string `json:"own_samples_alone"`
	// Unused says that the weights are the base's, because the user's samples do not improve them.
	Unused bool `json:"own_samples_unused,omitempty"`
	// LeftOut is the agreement on the user's samples that were held out. Before is the agreement of the base's weights on
	// the same samples.
	LeftOut *Validation `json:"left_out"`
	Before  *Validation `json:"before"`
}

// Origin returns the Origin of the weights of an addition to base, trained at this time. The caller sets the files and
// the command.
func (a *Addition) Origin(base *Base, rub *rubric.Rubric, at time.Time) *Origin {
	samples, sources := 0, map[string]bool{} // on which the weights were trained
	learn := func(n int, of []string) {
		samples += n
		for _, name := range of {
			sources[name] = true
		}
	}
	if !a.NoBase {
		learn(len(base.Samples), base.sources())
	}
	if !a.Unused {
		learn(a.Own, a.sources)
	}
	return &Origin{
		Features: embedded.Version, Rubric: rub.Hash(), Samples: samples, Sources: len(sources),
		Penalties: base.Penalties, Date: at.UTC().Format(time.DateOnly),
		Added: &AddedOrigin{
			Own: a.Own, Variant: a.Variant, Alone: append([]string{}, a.Alone...), Unused: a.Unused,
			LeftOut: newValidation(a.Left), Before: newValidation(a.Before),
		},
		Reach: a.Weights.Reach,
	}
}

// A File identifies an input of the training, or the weights file.
type File struct {
	Name   string `json:"name"` // without its folder
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // in hex
}

// A Validation is the summary of a report on predictions for samples that were held out.
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
	// Samples is the number of samples compared; 0 in weights of versions that did not count them.
	Samples int `json:"samples,omitempty"`
}

// Origin returns the Origin of a training under a rubric at this time. The caller sets the files and the command.
func (r *Result) Origin(rub *rubric.Rubric, at time.Time) *Origin {
	return &Origin{
		Features: embedded.Version, Rubric: rub.Hash(), Samples: r.Samples, Sources: len(r.SeenSources.Sources),
		Penalties: r.Penalties, Date: at.UTC().Format(time.DateOnly),
		SeenSources: newValidation(r.SeenSources), UnseenSources: newValidation(r.UnseenSources),
		Pools: r.Pools, Reach: r.Weights.Reach,
	}
}

// newValidation returns the summary of a report; nil if the report is nil.
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

// NewFile describes a file with this name and content.
func NewFile(name string, content []byte) File {
	sum := sha256.Sum256(content)
	return File{Name: filepath.Base(name), Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
}

// ReadFile describes a file on this machine. It does not load the whole file into memory.
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
