package curate

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/api"
)

// A route is a pattern of http.ServeMux, with method and path, and the call that answers it.
type route struct {
	method, path string
	call         call
	query        []string // names of the query parameters
	page         bool     // an HTML page: empty parameters are allowed, because browsers send a form's empty fields
}

func get(path string, c call, query ...string) route {
	return route{method: http.MethodGet, path: path, call: c, query: query}
}

func post(path string, c call) route { return route{method: http.MethodPost, path: path, call: c} }

// paged are the query parameters of a list.
var paged = []string{"page_size", "page_token"}

// runPath is the pattern of the path of a run.
const runPath = api.RunsPath + "/{run}"

// routes returns all routes of the API. The mux answers HEAD by GET.
func (s server) routes() []route {
	const selections = runPath + "/selections"
	const selection = selections + "/{selection}"
	return []route{
		get("/{$}", s.getService, paged...),
		get(api.DocsPath, s.getDocs),
		get(api.DescriptionPath, s.getDescription),
		get(api.RunsPath, s.listRuns, paged...),
		post(api.RunsPath, s.startRun),
		get(runPath, s.getRun),
		post(runPath, s.callRun), // one route for all verbs: a pattern of the mux cannot end in a verb
		post(api.PlansPath, s.plan),
		get(runPath+"/samples", s.listSamples, append(paged, "id", "filter", "selection")...),
		get(runPath+"/samples/{sample}", s.getSample),
		get(runPath+"/samples/{sample}/images/{number}", s.getImage, "width"),
		post(runPath+"/sweep", s.sweep),
		post(runPath+"/compare", s.compare),
		get(selections, s.listSelections, paged...),
		post(selections, s.makeSelection),
		post(selections+":preview", s.previewSelection),
		get(selection, s.getSelection),
		get(selection+"/explain", s.explain, "id"),
		get(selection+"/report", s.getReport),
		get(selection+"/outputs/{output}", s.getOutput),
	}
}

// register adds the routes and the pages to a mux. Any other path is answered 404 with a problem.
func (s server) register(mux *http.ServeMux) {
	allowed := map[string][]string{}
	routes := s.routes()
	for _, p := range s.pages() {
		p.page = true
		routes = append(routes, p)
	}
	for _, r := range routes {
		answers := r.checked()
		if r.page {
			answers = s.shown(answers)
		}
		handler := s.answer(answers)
		if r.path == runPath && r.method == http.MethodGet {
			handler = exceptVerbs(handler)
		}
		mux.HandleFunc(r.method+" "+r.path, handler)
		allowed[r.path] = append(allowed[r.path], r.method)
		if r.method == http.MethodGet {
			allowed[r.path] = append(allowed[r.path], http.MethodHead)
		}
	}
	for path, methods := range allowed {
		slices.Sort(methods)
		allow := strings.Join(methods, ", ")
		notAllowed := func(w http.ResponseWriter, r *http.Request) { refuseMethod(w, r, allow) }
		if path == runPath {
			notAllowed = exceptVerbs(notAllowed)
		}
		mux.HandleFunc(path, notAllowed)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		api.NewProblem(http.StatusNotFound, fmt.Sprintf("there is no %s; the API is below %s, and %s describes it",
			r.URL.Path, api.RunsPath, api.DocsPath)).Write(w)
	})
}

// exceptVerbs refuses a request whose path ends in a verb of a run, because verbs accept only POST.
func exceptVerbs(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, name, _ := strings.Cut(r.PathValue("run"), ":")
		if slices.ContainsFunc(verbs[:], func(v verb) bool { return v.name == name }) {
			refuseMethod(w, r, http.MethodPost)
			return
		}
		handler(w, r)
	}
}

// refuseMethod answers a request whose path does not accept its method.
func refuseMethod(w http.ResponseWriter, r *http.Request, allow string) {
	w.Header().Set("Allow", allow)
	api.NewProblem(http.StatusMethodNotAllowed, fmt.Sprintf("%s accepts %s, not %s", r.URL.Path, allow, r.Method)).Write(w)
}
