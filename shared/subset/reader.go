package subset

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/cache"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/reach"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

// A Selection describes a selection from a run: runs/<run>/selections/<id>/selection.json.
type Selection struct {
	ID         string                    `json:"id"`
	Run        string                    `json:"run"`
	Dataset    string                    `json:"dataset"`
	Algorithm  string                    `json:"algorithm"`
	Parameters selection.ResolvedRequest `json:"parameters"`
	Total      int                       `json:"total"`    // number of samples of the run, with failed and skipped samples
	Selected   int                       `json:"selected"` // number of samples of the subset; if 0, the selection failed
	// Problem is the reason why no sample was selected, and the fix; empty if a sample was selected.
	Problem string `json:"problem,omitempty"`
	// ScorerID and Rubric are the hashes of the scorer and the rubric. Manifests are the files of the samples.
	ScorerID  string     `json:"scorer_id"`
	Rubric    string     `json:"rubric"`
	Manifests []Manifest `json:"manifests"`
	// Shortfall is the part of the budget that could not be filled: samples, or tokens.
	Shortfall int `json:"shortfall"`
	// Shortfalls are the requested parts that could not be filled, and why.
	Shortfalls []selection.Shortfall `json:"shortfalls,omitempty"`
	// Capabilities counts the candidates and the picks of each capability.
	Capabilities []selection.CapabilityResult `json:"capabilities"`
	Summary      selection.Summary            `json:"summary"`
	// Reach is the report on the distance of the run's samples from the scorer's training data; nil if it is not known.
	Reach *reach.Report `json:"reach,omitempty"`
	// Trade compares the selection, in the first row, with other selections at the same budget. It is nil if fewer than a
	// fifth of the samples were picked with a rating of 1 or 0.
	Trade []TradeRow `json:"trade,omitempty"`
	// PerRange has the number of selected samples of each range of the run.
	PerRange []int   `json:"per_range"`
	Outputs  Outputs `json:"outputs"`
	// Evaluations counts the samples that are near to evaluation sets; nil without such sets.
	Evaluations *Contamination `json:"evaluations,omitempty"`
	// Numbers reports how the request's file of numbers matches the samples; nil without a file.
	Numbers *NumbersMatch `json:"numbers,omitempty"`
}

// Made reports whether the selection was made. If it was only requested, the result is false.
func (s *Selection) Made() bool { return s.Outputs.Selection != "" }

// A Manifest is an input file of a selection's run, with the checksum of the scored content.
type Manifest struct {
	Name   string `json:"name"`   // name of the object in the input bucket
	Size   int64  `json:"size"`   // in bytes
	CRC32C string `json:"crc32c"` // eight hex digits
	// Forms counts the forms of the manifest's first records.
	Forms forms.Counts `json:"forms"`
	// Reading has what the records themselves do not show about how to read them.
	Reading forms.Reading `json:"reading,omitzero"`
	// Selected is the number of its samples in the subset.
	Selected int `json:"selected"`
}

// Outputs are the names of a selection's objects in the work bucket.
type Outputs struct {
	Subset   string `json:"subset"`
	Rejected string `json:"rejected"`
	Picks    string `json:"picks"`
	// Near is the object with the samples that are near to evaluation sets. Clusters is the object with the near
	// duplicates that are left out. Each is empty if it was not requested.
	Near      string `json:"near,omitempty"`
	Clusters  string `json:"clusters,omitempty"`
	Selection string `json:"selection"`
	Report    string `json:"report,omitempty"` // empty for a failed selection
}

// A NamedOutput is an output of a selection, with its name in the API.
type NamedOutput struct {
	Name   string
	Object string // empty if the selection has no such output
}

// Named returns all outputs, in the order in which they are listed for users.
func (o Outputs) Named() []NamedOutput {
	return []NamedOutput{
		{"subset", o.Subset}, {"rejected", o.Rejected}, {"near", o.Near}, {"clusters", o.Clusters}, {"picks", o.Picks},
		{"selection", o.Selection}, {"report", o.Report},
	}
}

// ErrNoSelection is the error for a selection that does not exist.
var ErrNoSelection = errors.New("no such selection")

// A Reader reads the selections of runs. It caches objects, because they never change, so a process should have only
// one.
type Reader struct {
	runs       *run.Reader
	work       bucket.Reader
	selections *cache.Cache[*Selection]
	rejected   *cache.Cache[*scores.Reasons]
	pools      *pools
	// missingDetails makes the details of a selection, or returns why there are none.
	missingDetails func(context.Context, *run.Plan, *Selection) error
	near           *cache.Cache[nearSamples]
	clustered      *cache.Cache[*Clusters] // stored clusters by their object, other clusters by their run
	checked        *cache.Cache[struct{}]  // objects of clusters that were read and are not damaged
	read           *cache.Cache[*evaluationSets]
}

// NewReader returns a Reader of the selections of the runs in a work bucket.
func NewReader(runs *run.Reader, work bucket.Reader, limits Limits) (*Reader, error) {
	if runs == nil || work == nil {
		return nil, errors.New("making a subset.Reader: its run.Reader or its work bucket is missing")
	}
	if err := limits.Validate(); err != nil {
		return nil, fmt.Errorf("making a subset.Reader: %w", err)
	}
	return &Reader{
		runs: runs, work: work,
		selections: cache.New(runs.Share(16), func(s *Selection) int { return 250_000 + 8*len(s.PerRange) }),
		rejected:   cache.New(runs.Share(64), (*scores.Reasons).Len),
		pools:      newPools(limits),
		missingDetails: func(_ context.Context, _ *run.Plan, sel *Selection) error {
			return &run.RefusedError{Reason: fmt.Sprintf("selection %s of run %s is still being written; wait until it is "+
				"completed, or continue it: harvest resume %s", sel.ID, sel.Run, sel.Run)}
		},
		near:      cache.New(runs.Share(16), nearSamples.bytes),
		clustered: cache.New(runs.Share(64), (*Clusters).bytes),
		checked:   cache.New(1000, func(struct{}) int { return 1 }),
		read:      cache.New(runs.Share(64), (*evaluationSets).bytes),
	}, nil
}

var idPattern = regexp.MustCompile(`^[0-9a-f]{12}$`)

// Selection returns a selection. The error is ErrNoSelection if it does not exist. It is shared: do not change it.
func (r *Reader) Selection(ctx context.Context, runID, id string) (*Selection, error) {
	none := fmt.Errorf("%w: %s of run %s", ErrNoSelection, id, runID)
	if !idPattern.MatchString(id) {
		return nil, none
	}
	if removed, err := r.runs.Removed(ctx, runID); err != nil {
		return nil, errors.Join(none, err)
	} else if removed { // a run can be removed while a caller waits for its selection
		return nil, fmt.Errorf("%w, which was removed", none)
	}
	name := selectionName(runID, id)
	return r.selections.Get(ctx, name, func(ctx context.Context) (*Selection, error) {
		sel := new(Selection)
		err := bucket.ReadJSON(ctx, r.work, name, sel)
		if errors.Is(err, bucket.ErrNotExist) {
			// The object acceptedName is written after selection.json.
			there, lost := bucket.Marked(ctx, r.work, name, acceptedName(runID, id))
			if !there {
				return nil, cmp.Or(r.lost(runID, id, lost), none)
			}
			err = bucket.ReadJSON(ctx, r.work, name, sel)
		}
		if err != nil {
			return nil, r.lost(runID, id, err)
		}
		return sel, nil
	})
}

// lost returns the error for an object of a selection that must exist: it is written before other objects, which exist.
func (r *Reader) lost(runID, id string, err error) error {
	return bucket.Lost(r.work, selectionPrefix(runID, id), "make the selection again", err)
}

// List lists the ids of a run's selections, in ascending order. A selection whose picks are still being written has no
// selection.json yet, and is left out.
func (r *Reader) List(ctx context.Context, runID string) ([]string, error) {
	ids, err := bucket.Children(ctx, r.work, selectionsPrefix(runID))
	if err != nil {
		return nil, err
	}
	var made []string
	for _, id := range ids {
		there, err := bucket.Marked(ctx, r.work, selectionName(runID, id), acceptedName(runID, id))
		if gone := errors.Is(err, bucket.ErrNotExist); err != nil && !gone {
			return nil, err
		} else if there || gone { // a lost selection is listed, too: reading it returns the error
			made = append(made, id)
		}
	}
	return made, nil
}

// A RunStatus is the status of a run, with its selections.
type RunStatus struct {
	run.Status
	Created    time.Time `json:"created,omitzero"`     // when it was first accepted
	Selections []string  `json:"selections,omitempty"` // ids
	// SelectionProblem is the reason why the dataset's own selection was refused or picked nothing, and the fix. It is
	// empty if this did not happen, or if another selection has samples.
	SelectionProblem string `json:"selection_problem,omitempty"`
	// ExportProblem says why the export that dataset.yaml asks for cannot be written, and what to change.
	ExportProblem string `json:"export_problem,omitempty"`
	// Clusters is the state of the run's near duplicates: one of the constants such as ClustersFound. It is empty if they
	// are not stored, and no search for them is running. For ClustersDamaged and ClustersFailed, ClustersProblem has the
	// reason and what to do.
	Clusters        string `json:"clusters,omitempty"`
	ClustersProblem string `json:"clusters_problem,omitempty"`
}

// Problems returns the reasons why the run, the dataset's own selection and the export failed. If the selection failed
// because the run did, the result has this reason once.
func (s *RunStatus) Problems() (problems []string) {
	if s.Problem != "" && !strings.HasPrefix(s.SelectionProblem, s.Problem) {
		problems = append(problems, s.Problem)
	}
	if s.SelectionProblem != "" {
		problems = append(problems, "the selection failed: "+s.SelectionProblem)
	}
	if s.ExportProblem != "" {
		problems = append(problems, "the export was not written: "+s.ExportProblem)
	}
	return problems
}

// RunStatus finds the status of a run; run.ErrNoRun if there is none.
func (r *Reader) RunStatus(ctx context.Context, runID string) (*RunStatus, error) {
	st, err := r.runs.Status(ctx, runID)
	if err != nil {
		return nil, err
	}
	status := &RunStatus{Status: *st}
	accepted, err := r.runs.Acceptance(ctx, runID)
	if err != nil {
		return nil, err
	}
	status.Created, status.AskedBy = accepted.At, accepted.By
	if !st.IsScored() {
		return status, nil
	}
	if status.Clusters, status.ClustersProblem, err = r.ClustersState(ctx, runID); err != nil {
		return nil, err
	}
	made, err := madeOf(ctx, r.work, madeName(runID))
	if err != nil {
		return nil, err
	}
	status.SelectionProblem = made.Problem
	if status.ExportProblem, err = r.exportProblem(ctx, runID); err != nil {
		return nil, err
	}
	if status.Selections, err = r.List(ctx, runID); err != nil || made.Problem == "" {
		return status, err
	}
	for _, id := range status.Selections {
		sel, err := r.Selection(ctx, runID, id)
		if err != nil {
			return nil, err
		}
		if sel.Selected > 0 {
			status.SelectionProblem = ""
		}
	}
	return status, nil
}

// Acceptance returns the time when a selection was accepted, and its caller; zero if it is not known.
func (r *Reader) Acceptance(ctx context.Context, runID, id string) (run.Acceptance, error) {
	return ReadAcceptance(ctx, r.work, runID, id)
}

// ReadAcceptance is Reader.Acceptance for a work bucket.
func ReadAcceptance(ctx context.Context, work bucket.Reader, runID, id string) (run.Acceptance, error) {
	return run.ReadAcceptance(ctx, work, acceptedName(runID, id))
}

// Accepted returns the time when a selection was accepted; the zero time if it is not known.
func (r *Reader) Accepted(ctx context.Context, runID, id string) (time.Time, error) {
	a, err := r.Acceptance(ctx, runID, id)
	return a.At, err
}

// Reasons returns the reason why each sample is not in a selection of a run, in the order of the dataset. The reason is
// empty for a selected sample. The error is ErrNoSelection if the selection does not exist. The reasons are shared: do
// not change them.
func (r *Reader) Reasons(ctx context.Context, runID, id string) (*scores.Reasons, error) {
	plan, err := r.runs.UsablePlan(ctx, runID)
	if err != nil {
		return nil, err
	}
	if _, err := r.Selection(ctx, runID, id); err != nil {
		return nil, err
	}
	return r.reasons(ctx, plan, id)
}

// reasons is Reasons for a selection whose plan is known.
func (r *Reader) reasons(ctx context.Context, plan *run.Plan, id string) (*scores.Reasons, error) {
	name := reasonsName(plan.Run, id)
	if reasons, cached := r.rejected.Lookup(name); cached {
		return reasons, nil
	}
	// This is not a part of the load below: it can complete the selection, whose report reads the reasons, too.
	if err := r.ensureDetails(ctx, plan, id); err != nil {
		return nil, err
	}
	return r.rejected.Get(ctx, name, func(ctx context.Context) (*scores.Reasons, error) {
		data, err := bucket.ReadAll(ctx, r.work, name)
		if err != nil {
			return nil, r.lost(plan.Run, id, err)
		}
		reasons, err := scores.ReadReasons(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return nil, r.lost(plan.Run, id, fmt.Errorf("reading %s: %w: %w", name, bucket.ErrDamaged, err))
		}
		if int64(reasons.Len()) != plan.Samples {
			return nil, r.lost(plan.Run, id, fmt.Errorf("reading %s: %w: it has %d samples, and the plan %d",
				name, bucket.ErrDamaged, reasons.Len(), plan.Samples))
		}
		return reasons, nil
	})
}
