package run

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"

	"github.com/gowebpki/jcs"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/compression"
	"github.com/harvest-ml/harvest/shared/dataset/container"
	"github.com/harvest-ml/harvest/shared/dataset/container/kinds"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/reach"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// A Plan fixes everything about a run before any work is done. It is runs/<run>/plan.json.
type Plan struct {
	// Layout is the LayoutVersion of the run's objects.
	Layout  int    `json:"layout"`
	Run     string `json:"run"`
	Dataset string `json:"dataset"`
	// Problem is the reason why the run was refused or is not continued; empty if there is none. A refused run has no
	// ranges.
	Problem string `json:"problem,omitempty"`
	// ProblemObject is the object of the input bucket that has to be uploaded or corrected. It is empty if the Problem is
	// not about exactly one object.
	ProblemObject string `json:"problem_object,omitempty"`
	// Refused is the upload that was refused before its run was planned. It is part of the identity of this run, so that
	// another upload is another run, also if the Problem is the same.
	Refused Upload `json:"refused,omitzero"`
	// Passing is true if the Problem may be transient. Then the same request starts the dataset from the beginning.
	Passing   bool           `json:"passing,omitempty"`
	Manifests []Manifest     `json:"manifests"`
	Samples   int64          `json:"samples"`
	Ranges    []Range        `json:"ranges"`
	Images    string         `json:"images"`
	Rubric    *rubric.Rubric `json:"rubric,omitempty"`
	Scorer    string         `json:"scorer"`    // kind of scorer
	ScorerID  string         `json:"scorer_id"` // hash of what can change a rating
	// LLMMode is the mode of the scorer llm that the dataset requests; empty for the service's mode.
	LLMMode string `json:"llm_mode,omitempty"`
	// Reach is the known error of the scorer, by distance from its training data; nil if it is not known.
	Reach     *reach.Scale `json:"reach,omitempty"`
	Options   Options      `json:"options"`
	Constants Constants    `json:"constants"`
	Attempt   int          `json:"attempt"`
	// Limit is the number of records of a trial; 0 means all records. If the dataset has more records, the run is a trial,
	// and Of is the number of the dataset's records. Otherwise Of is 0.
	Limit int64 `json:"limit,omitempty"`
	Of    int64 `json:"of,omitempty"`
	// Refusals is the number of earlier runs of the same dataset and options that were refused because of other
	// requests, such as another budget.
	Refusals int `json:"refusals,omitempty"`
	// Removals is the number of times that all attempts at the same dataset and options were removed before.
	Removals int `json:"removals,omitempty"`
	// Reading is the dataset.ReadingVersion that the run was planned under.
	Reading int `json:"reading"`
	// Reuse is an earlier run whose scores of unchanged samples are reused; empty if there is none.
	Reuse string `json:"reuse,omitempty"`
	// EstimatedCost is in US dollars. If it is above the service's limit, the run waits for approval.
	EstimatedCost float64 `json:"estimated_cost"`
	NeedsApproval bool    `json:"needs_approval,omitempty"`
	// MaxFailed is the number of samples that may fail. If more samples fail, the run has failed, and nothing is selected
	// from it unless a request allows more. MaxFailed is not part of the run's identity.
	MaxFailed Allowance `json:"max_failed,omitzero"`
	// Notes are for the dataset's author. They are not faults: for example, the numbers in file names show that files
	// may be missing, or a recipe makes a trainer repeat records.
	Notes []string `json:"notes,omitempty"`
	// Selection is the automatic selection. It is made when the run is scored, if it has a budget.
	Selection selection.Request `json:"selection"`
}

// A Manifest is one input file of a run, in the version that was planned.
type Manifest struct {
	Name       string `json:"name"`
	Size       int64  `json:"size"`
	CRC32C     uint32 `json:"crc32c"`
	Generation int64  `json:"generation"`
	// Packed is the compression of the object. Ranges refer to the unpacked content.
	Packed compression.Kind `json:"packed,omitempty"`
	dataset.Framing
	// Reading describes how to read the records, if the records do not show it.
	Reading forms.Reading `json:"reading,omitzero"`
	// Take selects the records that are in the run. Records is their number.
	Take    dataset.Take `json:"take,omitzero"`
	Records int64        `json:"records"`
	// Forms counts the forms of the first records, at most formRecords of them.
	Forms forms.Counts `json:"forms,omitempty"`
}

// A Range is a slice of one manifest. One delivery reads it.
type Range struct {
	Manifest   int          `json:"manifest"`    // the manifest's position in Plan.Manifests
	FirstIndex int64        `json:"first_index"` // the index of the range's first sample in the dataset
	Span       dataset.Span `json:"span"`
	// In a trial, Record is the number of the dataset's records before the range. The run has FirstIndex of these
	// records. In other runs Record is 0.
	Record int64 `json:"record,omitempty"`
}

// Options are settings that change scores, and so the run's identity.
type Options struct {
	dataset.Limits
	Images images.Limits `json:"images"`
}

// Constants determine how a dataset is cut. Equal constants cut equal input equally.
type Constants struct {
	RangeBytes   int64 `json:"range_bytes"`
	ShardSamples int   `json:"shard_samples"`
	ShardBytes   int   `json:"shard_bytes"`
}

// Format returns the format of a subset: the format of the manifests; JSON if they have several formats, because a JSON
// array can have any records. Containers in one plan have the same format.
func (p *Plan) Format() dataset.Format {
	if _, contained := p.Container(); contained {
		return p.Manifests[0].Format
	}
	for _, m := range p.Manifests {
		if m.Format != dataset.Lines {
			return dataset.Array
		}
	}
	return dataset.Lines
}

// Container returns the kind of container of the plan's manifests; false if the manifests are text.
func (p *Plan) Container() (container.Kind, bool) {
	if len(p.Manifests) == 0 {
		return container.Kind{}, false
	}
	return kinds.ByFormat(p.Manifests[0].Format)
}

// isRefusal reports whether the plan only has the reason why a run was refused. A plan of another version of Harvest
// also has a Problem, but its run may have begun.
func (p *Plan) isRefusal() bool {
	return p.Problem != "" && p.Layout == LayoutVersion && len(p.Manifests) == 0
}

// IsNewer reports whether a newer version of Harvest planned the run. Only a newer version continues the run.
func (p *Plan) IsNewer() bool { return p.Layout > LayoutVersion || p.Reading > dataset.ReadingVersion }

// otherVersion returns the reason why this version of Harvest does not continue the run: another version of Harvest
// wrote its objects, or read its records differently. It is empty if this version continues the run.
func (p *Plan) otherVersion() string {
	what, ours := "layout", LayoutVersion
	if p.Layout == LayoutVersion {
		what, ours = "reading of records", dataset.ReadingVersion
		if p.Reading == ours {
			return ""
		}
	}
	age := "an older"
	if p.IsNewer() {
		age = "a newer"
	}
	return fmt.Sprintf("the run has %s %s than %d, the only one that this version of Harvest continues: "+
		"start its dataset again for a run of this version", age, what, ours)
}

// An identity is the content of a run whose hash is in the run's id.
type identity struct {
	Manifests []manifestIdentity `json:"manifests"`
	Images    string             `json:"images"`
	Rubric    string             `json:"rubric"`
	Scorer    string             `json:"scorer"`
	Options   Options            `json:"options"`
	Constants Constants          `json:"constants"`
	Layout    int                `json:"layout"`
	Reading   int                `json:"reading"`
	Attempt   int                `json:"attempt"`
	Limit     int64              `json:"limit,omitempty"`
	Refusals  int                `json:"refusals,omitempty"`
	Removals  int                `json:"removals,omitempty"`
	Problem   string             `json:"problem,omitempty"`
	Refused   Upload             `json:"refused,omitzero"`
}

type manifestIdentity struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	CRC32C uint32 `json:"crc32c"`

	Reading forms.Reading `json:"reading,omitzero"`
	Take    dataset.Take  `json:"take,omitzero"`
}

// ScorerKind returns the kind of scorer, with its mode, for a ScorerOpener.
func (p *Plan) ScorerKind() string { return scorer.WithMode(p.Scorer, p.LLMMode) }

// identify sets the plan's run id, which is a hash of its other fields.
func (p *Plan) identify() error {
	id := identity{
		Images: p.Images, Scorer: p.ScorerID, Options: p.Options, Constants: p.Constants,
		Layout: p.Layout, Reading: p.Reading, Attempt: p.Attempt, Limit: p.Limit, Refusals: p.Refusals,
		Removals: p.Removals, Problem: p.Problem, Refused: p.Refused,
	}
	if p.Rubric != nil {
		id.Rubric = p.Rubric.Hash()
	}
	for _, m := range p.Manifests {
		id.Manifests = append(id.Manifests, manifestIdentity{
			Name: m.Name, Size: m.Size, CRC32C: m.CRC32C, Reading: m.Reading, Take: m.Take,
		})
	}
	hash, err := CanonicalHash(id)
	if err != nil {
		return fmt.Errorf("computing the run's id: %w", err)
	}
	p.Run = p.Dataset + "-" + hash
	return nil
}

// RangeOf returns the number of the range that holds the sample with the given index in the dataset.
func (p *Plan) RangeOf(index int64) int {
	lo, hi := 0, len(p.Ranges)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; p.Ranges[mid].FirstIndex <= index {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// Resolve resolves a request for a selection from the plan's run. It returns an error if the plan alone shows, without
// the run's scores, that the selection cannot be made.
func (p *Plan) Resolve(request selection.Request) (selection.ResolvedRequest, error) {
	resolved, err := request.Resolve(int(p.Samples), p.Rubric.Capabilities, p.Rubric.Styles)
	if err == nil {
		err = request.ValidateThresholds()
	}
	return resolved, spelling.Names(err)
}

// Parser returns the parser of the records of a range.
func (p *Plan) Parser(r int) (dataset.Parser, error) {
	return p.Manifests[p.Ranges[r].Manifest].Reading.Parser()
}

// Base returns the manifest's file name without its folder.
func (m Manifest) Base() string { return path.Base(m.Name) }

// CanonicalHash returns the first 12 hex digits of SHA-256 over v's canonical JSON (RFC 8785).
func CanonicalHash(v any) (string, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	canonical, err := jcs.Transform(data)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:6]), nil
}
