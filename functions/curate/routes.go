package curate

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/api"
)

// A route is a method and a path that is served, as a pattern of http.ServeMux, and what answers there.
type route struct {
	method, path string
	call         call
}

// runPath is the pattern of a run.
const runPath = api.RunsPath + "/{run}"

// routes are all that the API has. The mux takes a HEAD for a GET.
func (s server) routes() []route {
	const selections = runPath + "/selections"
	const selection = selections + "/{selection}"
	return []route{
		{http.MethodGet, "/{$}", s.getService},
		{http.MethodGet, api.DocsPath, s.getDocs},
		{http.MethodGet, api.DescriptionPath, s.getDescription},
		{http.MethodGet, api.RunsPath, s.listRuns},
		{http.MethodPost, api.RunsPath, s.startRun},
		{http.MethodGet, runPath, s.getRun},
		{http.MethodPost, runPath, s.callRun}, // one route for all verbs: a pattern of the mux cannot end in one
		{http.MethodPost, api.PlansPath, s.plan},
		{http.MethodGet, runPath + "/samples", s.listSamples},
		{http.MethodGet, runPath + "/samples/{sample}", s.getSample},
		{http.MethodGet, runPath + "/samples/{sample}/images/{number}", s.getImage},
		{http.MethodPost, runPath + "/sweep", s.sweep},
		{http.MethodPost, runPath + "/compare", s.compare},
		{http.MethodGet, selections, s.listSelections},
		{http.MethodPost, selections, s.makeSelection},
		{http.MethodPost, selections + ":preview", s.previewSelection},
		{http.MethodGet, selection, s.getSelection},
		{http.MethodGet, selection + "/explain", s.explain},
		{http.MethodGet, selection + "/report", s.getReport},
		{http.MethodGet, selection + "/outputs/{output}", s.getOutput},
	}
}

// register has a mux serve the routes and the pages. What is none of them is answered with a problem.
func (s server) register(mux *http.ServeMux) {
	allowed := map[string][]string{}
	routes := s.routes()
	for _, p := range s.pages() {
		routes = append(routes, route{p.method, p.path, s.shown(p.call)})
	}
	for _, r := range routes {
		mux.HandleFunc(r.method+" "+r.path, s.answer(r.call))
		allowed[r.path] = append(allowed[r.path], r.method)
		if r.method == http.MethodGet {
			allowed[r.path] = append(allowed[r.path], http.MethodHead)
		}
	}
	for path, methods := range allowed {
		slices.Sort(methods)
		allow := strings.Join(methods, ", ")
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allow)
			api.NewProblem(http.StatusMethodNotAllowed,
				fmt.Sprintf("%s takes %s, not %s", r.URL.Path, allow, r.Method)).Write(w)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		api.NewProblem(http.StatusNotFound, fmt.Sprintf("there is no %s; the API lies below %s, and %s describes it",
			r.URL.Path, api.RunsPath, api.DocsPath)).Write(w)
	})
}
