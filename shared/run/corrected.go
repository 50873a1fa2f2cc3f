package run

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// corrected returns what a file means for a SpecFile that waits for no missing file. If the last run of this upload of
// the SpecFile was refused, and the file is the reason, the SpecFile waits for the file: its arrival handles the
// SpecFile again. If the reason is not about one file, each file that the SpecFile names may be the reason. A file that
// was not replaced since the refusal changes nothing. So a notification that is delivered twice, or late, starts
// nothing.
func (p *Planner) corrected(ctx context.Context, u Upload, spec Spec, file string) (Awaiting, error) {
	object := DatasetsPrefix + spec.Dataset + "/" + file
	id, err := p.index.RunOf(ctx, u)
	if err != nil {
		return Awaiting{}, err
	}
	refused, err := p.refusedPlan(ctx, id)
	if err != nil {
		return Awaiting{}, err
	}
	isReason := refused != nil && refused.ProblemObject == object
	named := isReason
	if !named {
		if named, err = p.names(ctx, spec, file); refused == nil || !named || err != nil {
			return Awaiting{Named: named, Coming: named && id == ""}, err
		}
	}
	answer := Awaiting{Run: id, Reason: refused.Problem, Named: true}
	if !isReason && (refused.ProblemObject != "" || !slices.Contains(spec.Named(), file)) {
		return answer, nil
	}
	replaced, err := p.isReplaced(ctx, id, object)
	if replaced {
		answer.Spec = u.Object
	}
	return answer, err
}

// refusedPlan returns the plan of a refused run; nil if there is no such run, or the run was not refused.
func (p *Planner) refusedPlan(ctx context.Context, id string) (*Plan, error) {
	if id == "" {
		return nil, nil
	}
	plan, err := p.runs.Plan(ctx, id)
	if errors.Is(err, ErrNoRun) || errors.Is(err, ErrPlanning) {
		return nil, nil
	} else if err != nil || !plan.isRefusal() {
		return nil, err
	}
	return plan, nil
}

// isReplaced reports whether an object exists in another version than the one that a run was planned with. It is true
// for an object that the run's draft does not have, such as a rubric.
func (p *Planner) isReplaced(ctx context.Context, id, object string) (bool, error) {
	d, err := p.runs.draft(ctx, id)
	if errors.Is(err, bucket.ErrNotExist) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	planned := slices.IndexFunc(d.Plan.Manifests, func(m Manifest) bool { return m.Name == object })
	if planned < 0 {
		return true, nil
	}
	return p.isOther(ctx, d.Plan.Manifests[planned])
}

// isOther reports whether a manifest exists in another version. Two versions in a folder may have the same generation,
// for example if both come from an archive with fixed times. Then their sizes are compared.
func (p *Planner) isOther(ctx context.Context, m Manifest) (bool, error) {
	attrs, err := p.input.Stat(ctx, m.Name)
	if errors.Is(err, bucket.ErrNotExist) || errors.Is(err, bucket.ErrUnreadable) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("looking for another version of %s: %w", m.Name, err)
	}
	return attrs.Generation != m.Generation || attrs.Size != m.Size, nil
}

// ReplacedSince returns the SpecFile whose run was refused during planning, if a manifest that may be the reason was
// replaced since; else an empty name. The caller handles the SpecFile again. The notification of the other version may
// have come during planning, when it was not known yet that the run would be refused.
func (p *Planner) ReplacedSince(ctx context.Context, refused *Plan) (string, error) {
	at := DatasetsPrefix + refused.Dataset + "/" + SpecFile
	attrs, err := p.input.Stat(ctx, at)
	if errors.Is(err, bucket.ErrNotExist) || errors.Is(err, bucket.ErrUnreadable) || err == nil && !refused.isRefusal() {
		return "", nil
	} else if err != nil {
		return "", fmt.Errorf("looking for the %s of run %s: %w", SpecFile, refused.Run, err)
	}
	if last, err := p.index.RunOf(ctx, Upload{at, attrs.Generation}); last != refused.Run || err != nil {
		return "", err
	}
	d, err := p.runs.draft(ctx, refused.Run)
	if err != nil {
		return "", err
	}
	for _, m := range d.Plan.Manifests {
		if refused.ProblemObject != "" && m.Name != refused.ProblemObject {
			continue
		}
		if other, err := p.isOther(ctx, m); err != nil {
			return "", err
		} else if other {
			return at, nil
		}
	}
	return "", nil
}
