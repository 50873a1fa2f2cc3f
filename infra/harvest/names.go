package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/subset"
)

// latest is the word that a user types for the newest run, or for the newest selection of a run.
const latest = "latest"

// A namedRun has the properties of a run by which commands find the run.
type namedRun struct {
	id       string
	dataset  string
	accepted time.Time
}

// namedRuns returns all runs, the newest first.
func namedRuns(ctx context.Context, runs *run.Reader) ([]namedRun, error) {
	ids, err := runs.Runs(ctx)
	if err != nil {
		return nil, err
	}
	return byAge(ctx, runs, ids)
}

// byAge returns the runs with these ids, the newest first.
func byAge(ctx context.Context, runs *run.Reader, ids []string) ([]namedRun, error) {
	all := make([]namedRun, len(ids))
	for i, id := range ids {
		accepted, err := runs.Accepted(ctx, id)
		if err != nil {
			return nil, err
		}
		all[i] = namedRun{id, run.DatasetOf(id), accepted}
	}
	slices.SortStableFunc(all, func(a, b namedRun) int { return b.accepted.Compare(a.accepted) })
	return all, nil
}

// findRun returns the id of the run that a user typed as an id, the beginning of an id, the name of a dataset, or
// latest. For the name of a dataset it returns the run that newestOf chooses.
func findRun(ctx context.Context, runs *run.Reader, typed string) (string, error) {
	known, err := runs.Runs(ctx)
	if err != nil {
		return "", err
	}
	if slices.Contains(known, typed) {
		return typed, nil
	}
	all, err := byAge(ctx, runs, known)
	if err != nil {
		return "", err
	}
	if len(all) > 0 && typed == latest {
		return all[0].id, nil
	}
	if newest := newestOf(ctx, runs, all, typed); newest != "" {
		return newest, nil
	}
	var begun, ids []string
	for _, r := range all {
		if strings.HasPrefix(r.id, typed) {
			begun = append(begun, r.id)
		}
		ids = append(ids, r.id, r.dataset)
	}
	switch len(begun) {
	case 0:
		return "", usageError{fmt.Errorf("%w: %s%s; `harvest status` lists the runs of a state folder",
			run.ErrNoRun, typed, spelling.Hint(typed, ids))}
	case 1:
		return begun[0], nil
	default:
		return "", usageError{fmt.Errorf("the ids of %d runs begin with %q: %s; type more characters of one id",
			len(begun), typed, some(begun))}
	}
}

// newestOf returns the newest run of a dataset; empty if there is none. all has the runs, the newest first. newestOf
// returns a trial only if all other runs were refused, and a refused run only if all runs were refused. So a refused
// dataset.yaml does not hide an earlier run, also after it was corrected.
func newestOf(ctx context.Context, runs *run.Reader, all []namedRun, dataset string) string {
	var trial, refused string
	for _, r := range all {
		if r.dataset != dataset {
			continue
		}
		plan, err := runs.Plan(ctx, r.id)
		switch {
		case err != nil:
			return r.id // the command that uses the run reports the reason
		case plan.Problem != "":
			refused = cmp.Or(refused, r.id)
		case plan.Of > 0:
			trial = cmp.Or(trial, r.id)
		default:
			return r.id
		}
	}
	return cmp.Or(trial, refused)
}

// findSelection returns the id of the selection of a run that a user typed as an id, the beginning of an id, or latest.
// state is the state folder as the user typed it, for commands in messages.
func findSelection(ctx context.Context, subsets *subset.Reader, state, runID, typed string) (string, error) {
	ids, err := subsets.List(ctx, runID)
	if err != nil {
		return "", err
	}
	if typed == latest && len(ids) > 0 {
		return newestSelection(ctx, subsets, runID, ids)
	}
	var begun []string
	for _, id := range ids {
		if id == typed {
			return id, nil
		}
		if strings.HasPrefix(id, typed) {
			begun = append(begun, id)
		}
	}
	switch {
	case len(begun) == 1:
		return begun[0], nil
	case len(begun) > 1:
		return "", usageError{fmt.Errorf("the ids of %d selections of run %s begin with %q: %s; type more characters of "+
			"one id",
			len(begun), runID, typed, some(begun))}
	case len(ids) == 0:
		why, err := withoutSelection(ctx, subsets, state, runID)
		if err != nil {
			return "", err
		}
		return "", usageError{fmt.Errorf("%w: %s; %s", subset.ErrNoSelection, typed, why)}
	default:
		return "", usageError{fmt.Errorf("%w: %s; run %s has %s", subset.ErrNoSelection, typed, runID, some(ids))}
	}
}

// withoutSelection says why a run has no selection, and what to type.
func withoutSelection(ctx context.Context, subsets *subset.Reader, state, runID string) (string, error) {
	folder, err := stateFolder(state)
	if err != nil {
		return "", err
	}
	status, err := subsets.RunStatus(ctx, runID)
	if err != nil {
		return "", unknownRun(err)
	}
	if in, err := loadInput(folder, runID); err == nil {
		status.Allow(in.allowed())
	}
	choose := anotherSelection(state, runID, status.NeededAllowance()) + " " + smallBudget(status.Samples.Scored)
	switch {
	case !status.IsScored():
		return fmt.Sprintf("run %s has no selection, because it is %s; `%s` says more", runID, status.State,
			command("status", state, runID)), nil
	case status.State != run.StateFailed:
		return fmt.Sprintf("run %s has no selection, and `%s` makes one", runID, choose), nil
	}
	text := fmt.Sprintf("run %s failed, so it has no selection; `%s` says why, and `%s ID` shows a sample and its problem",
		runID, command("status", state, runID), command("show", state, runID))
	if !status.NeededAllowance().IsZero() {
		text += fmt.Sprintf("; `%s` selects from the samples that were scored", choose)
	}
	return text, nil
}

func newestSelection(ctx context.Context, subsets *subset.Reader, runID string, ids []string) (string, error) {
	var newest string
	var since time.Time
	for _, id := range ids {
		accepted, err := subsets.Accepted(ctx, runID, id)
		if err != nil {
			return "", err
		}
		if newest == "" || accepted.After(since) {
			newest, since = id, accepted
		}
	}
	return newest, nil
}

// age returns a duration as text, in one unit.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// some joins at most five names with commas. It leaves out the other names.
func some(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
