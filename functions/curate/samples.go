package curate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/browse"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/run"
)

// listSamples serves GET /v1/runs/{run}/samples. It returns the samples whose ids are given, or a page of the samples
// that pass the filters.
func (s server) listSamples(r *http.Request) (answer, error) {
	query := r.URL.Query()
	if ids := query["id"]; len(ids) > 0 {
		if len(query) > 1 {
			return answer{}, api.NewProblem(http.StatusBadRequest,
				"id: it cannot be combined with other parameters; give only id, or leave id out")
		}
		samples, err := s.subsets.Show(r.Context(), r.PathValue("run"), ids)
		return answer{status: http.StatusOK, body: api.SampleList{Samples: samples}}, err
	}
	p, err := pageOf(r)
	if err != nil {
		return answer{}, err
	}
	list, err := s.browse(r.Context(), r.PathValue("run"), query.Get("selection"), query["filter"], p)
	return answer{status: http.StatusOK, body: list}, err
}

// browse returns a page of the samples of a run that pass the filters.
func (s server) browse(
	ctx context.Context, runID, selection string, filters []string, p page,
) (*api.SamplePage, error) {
	filter, err := browse.ParseFilter(filters)
	if err != nil {
		return nil, err
	}
	q := browse.Query{Filter: filter, Selection: selection, Size: p.size}
	if p.cursor != "" {
		if q.From, err = strconv.ParseInt(p.cursor, 10, 64); err != nil || q.From < 0 {
			return nil, api.NewProblem(http.StatusBadRequest,
				"page_token: it is not a token of this list; give the next_page_token of the page before, or leave it out")
		}
	}
	found, err := s.samples.List(ctx, runID, q)
	if err != nil {
		return nil, err
	}
	list := &api.SamplePage{Samples: found.Entries, Matched: found.Matched, More: found.More}
	if list.Columns, err = s.columns(ctx, runID, selection); err != nil {
		return nil, err
	}
	if found.Next >= 0 {
		list.NextPageToken = tokenOf(strconv.FormatInt(found.Next, 10))
	}
	return list, nil
}

// columns returns the numeric columns that filters may name.
func (s server) columns(ctx context.Context, runID, selection string) ([]string, error) {
	plan, err := s.runs.UsablePlan(ctx, runID)
	if err != nil {
		return nil, err
	}
	return s.samples.Columns(ctx, plan, selection)
}

func (s server) getSample(r *http.Request) (answer, error) {
	shown, err := s.subsets.ShowOne(r.Context(), r.PathValue("run"), r.PathValue("sample"))
	return answer{status: http.StatusOK, body: shown}, err
}

// getImage serves a small copy of an image of a sample. Equal copies have equal ETags, so that a browser can use the
// copy in its cache.
func (s server) getImage(r *http.Request) (answer, error) {
	width := api.DefaultImageWidth
	if text := r.URL.Query().Get("width"); text != "" {
		var err error
		if width, err = strconv.Atoi(text); err != nil || width < 1 || width > api.MaxImageWidth {
			return answer{}, api.NewProblem(http.StatusBadRequest,
				fmt.Sprintf("width: %q is not a width; give 1 to %d", text, api.MaxImageWidth))
		}
	}
	plan, index, err := s.subsets.Addressed(r.Context(), r.PathValue("run"), r.PathValue("sample"))
	if err != nil {
		return answer{}, err
	}
	var picture []byte
	err = s.subsets.EachSample(r.Context(), plan, []int64{index}, func(_ int64, sample *dataset.Sample) error {
		number, err := strconv.Atoi(r.PathValue("number"))
		if err != nil || number < 1 || number > len(sample.Images) {
			return api.NewProblem(http.StatusNotFound, fmt.Sprintf("sample %s has no image %q: it has %d, numbered from 1",
				r.PathValue("sample"), r.PathValue("number"), len(sample.Images)))
		}
		picture, err = s.picture(r.Context(), plan, index, sample, number, width)
		return err
	})
	if err != nil {
		return answer{}, err
	}
	sum := sha256.Sum256(picture)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	ans := answer{status: http.StatusOK, body: file{
		contentType: "image/jpeg", content: picture, tag: tag, cache: "private, max-age=3600",
	}}
	if r.Header.Get("If-None-Match") == tag {
		ans.status = http.StatusNotModified
	}
	return ans, nil
}

// picture returns a small copy of a sample's image as JPEG; number counts from 1. The error for an image that cannot be
// shown has the status 404 and the reason.
func (s server) picture(
	ctx context.Context, plan *run.Plan, index int64, sample *dataset.Sample, number, width int,
) ([]byte, error) {
	opened, err := s.planner.OpenImages(ctx, plan)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	one := *sample
	one.Images = sample.Images[number-1 : number]
	hold := s.memory.NewHold(1)
	defer hold.Release()
	fetched, fault, err := opened.Fetch(ctx, plan.RangeOf(index), &one, hold)
	if err != nil {
		return nil, err
	}
	var small []byte
	if fault == nil {
		small, fault, err = images.Picture(ctx, s.memory, fetched.Images[0], width, plan.Options.Images)
	}
	if fault != nil {
		return nil, api.NewProblem(http.StatusNotFound, fault.Reason())
	}
	return small, err
}
