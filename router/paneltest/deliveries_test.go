package paneltest_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/outbox"
)

const hostileBody = `</pre><script>alert(1)</script>`

// told adds deliveries to both receivers and lets them end: "ops" takes them,
// "gone" is given up.
func (k *panelKit) told(n int) {
	k.t.Helper()
	for i := range n {
		for _, r := range k.receivers {
			k.ok(k.box.Add(k.t.Context(), outbox.Message{
				EventID: fmt.Sprintf("event-%04d", i), Channel: r.name, Type: "alert.raised", At: time.Now(),
				Body: []byte(`{"type":"alert.raised","message":"` + hostileBody + `"}`),
			}))
		}
	}
	for _, r := range k.receivers {
		due, err := k.store.DueDeliveries(k.t.Context(), r.name, n)
		k.ok(err)
		for _, d := range due {
			k.endDelivery(d, r.err)
		}
	}
}

func (k *panelKit) endDelivery(d model.DeliveryNow, refused error) {
	k.t.Helper()
	g := model.DeliveryGrant{ID: d.ID, Fence: d.Fence, Holder: "test"}
	claimed, err := k.store.ClaimDelivery(k.t.Context(), g, 60_000)
	k.ok(errors.Join(err))
	end := model.DeliveryEnd{State: model.DeliverySent}
	if refused != nil {
		end = model.DeliveryEnd{State: model.DeliveryFailed, Error: refused.Error()}
	}
	ended, err := k.store.EndDelivery(k.t.Context(), g, end)
	k.ok(err)
	if !claimed || !ended {
		k.t.Fatal("the delivery did not end")
	}
}

func (k *panelKit) deliveries(f outbox.Filter) []outbox.Entry {
	k.t.Helper()
	page, err := k.box.List(k.t.Context(), f, "", 1000)
	k.ok(err)
	return page.Entries
}

// What was sent and what was not is found, and its error and body stay text.
func TestDeliveriesPage(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin, viewer := k.as("admin"), k.as("viewer")
	if page := viewer.get("/admin/deliveries").body; !strings.Contains(page, "Nothing was sent yet") {
		t.Errorf("without deliveries:\n%s", page)
	}
	k.told(2)
	page := viewer.get("/admin/deliveries").body
	for _, want := range []string{
		"mail ops@example.com", "mail gone@example.com", "Sent", "Given up", "550 no such &lt;b&gt;user&lt;/b&gt;",
		"Alert raised",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if strings.Contains(page, `method="post" action="/admin/deliveries`) {
		t.Error("a viewer sees a button to send again")
	}
	if page = viewer.get("/admin/deliveries?receiver=ops&state=sent").body; strings.Count(page, "<tr role=\"row\">") != 3 ||
		strings.Contains(page, "550") {
		t.Errorf("filtered:\n%s", page)
	}
	if page = viewer.get("/admin/deliveries?receiver=ops&state=failed").body; !strings.Contains(page, "No message fits") {
		t.Errorf("nothing fits:\n%s", page)
	}
	if r := viewer.get("/admin/deliveries?state=lost"); r.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a state that is none: %d", r.StatusCode)
	}
	failed := k.deliveries(outbox.Filter{State: outbox.Failed})[0]
	one := admin.get(fmt.Sprint("/admin/deliveries/", failed.ID)).body
	for _, want := range []string{"Given up", failed.EventID, "550 no such &lt;b&gt;", "&lt;/pre&gt;&lt;script&gt;", ">Send again<"} {
		if !strings.Contains(one, want) {
			t.Errorf("the delivery's page has no %q", want)
		}
	}
	if strings.Contains(one, hostileBody) {
		t.Error("the body is not text")
	}
	for path, want := range map[string]int{
		"/admin/deliveries/999999": http.StatusNotFound, "/admin/deliveries/x": http.StatusNotFound,
		"/admin/deliveries?before=nowhere": http.StatusNotFound,
	} {
		if r := admin.get(path); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, want)
		}
	}
}

// Pages follow one another without a gap, also where a channel's states are read
// one by one.
func TestDeliveryPages(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	k.told(60)
	for query, want := range map[string][]int{"?receiver=ops": {50, 10}, "": {50, 50, 20}, "?state=failed": {50, 10}} {
		next := "/admin/deliveries" + query
		for i, rows := range want {
			page := admin.get(next).body
			if got := strings.Count(page, `<td role="cell" class="mono lead"`); got != rows {
				t.Errorf("%q: page %d has %d rows, want %d", query, i+1, got, rows)
			}
			_, after, more := strings.Cut(page, `rel="next"`)
			if more != (i < len(want)-1) {
				t.Fatalf("%q: page %d has a next one: %v", query, i+1, more)
			}
			if more {
				link := page[:len(page)-len(after)]
				link = link[strings.LastIndex(link, `href="`)+len(`href="`):]
				next = strings.ReplaceAll(link[:strings.Index(link, `"`)], "&amp;", "&")
			}
		}
	}
}

// One delivery, and all that a receiver did not get, go out again: after an entry
// of the audit log.
func TestSendAgain(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	k.told(3)
	first := k.deliveries(outbox.Filter{State: outbox.Failed})[0]
	path := fmt.Sprint("/admin/deliveries/", first.ID)
	if r := admin.send(http.MethodPost, path, url.Values{}); r.StatusCode != http.StatusSeeOther ||
		!strings.Contains(admin.get(r.Header.Get("Location")).body, "It is on its way again") {
		t.Errorf("send again: %d to %s", r.StatusCode, r.Header.Get("Location"))
	}
	if r := admin.send(http.MethodPost, path, url.Values{}); r.StatusCode != http.StatusConflict ||
		!strings.Contains(r.body, "on its way already") {
		t.Errorf("twice: %d\n%s", r.StatusCode, r.body)
	}
	if r := admin.send(http.MethodPost, "/admin/deliveries/999999", url.Values{}); r.StatusCode != http.StatusNotFound {
		t.Errorf("none: %d", r.StatusCode)
	}
	if r := admin.send(http.MethodPost, "/admin/deliveries", url.Values{"receiver": {"gone"}}); r.StatusCode != http.StatusOK ||
		!strings.Contains(r.body, "On their way again: 2") {
		t.Errorf("all again: %d\n%s", r.StatusCode, r.body)
	}
	if waiting := k.deliveries(outbox.Filter{State: outbox.Pending}); len(waiting) != 3 {
		t.Errorf("%d wait, want 3", len(waiting))
	}
	for _, receiver := range []string{"", "nobody"} {
		if r := admin.send(http.MethodPost, "/admin/deliveries", url.Values{"receiver": {receiver}}); r.StatusCode != http.StatusConflict {
			t.Errorf("all of %q again: %d", receiver, r.StatusCode)
		}
	}
	log := admin.get("/admin/audit").body
	for _, want := range []string{"sends a message again", "sends all given-up messages again", "alert.raised mail gone@example.com"} {
		if !strings.Contains(log, want) {
			t.Errorf("the audit log has no %q", want)
		}
	}
}

// A channel that the configuration has no more keeps its deliveries, but nobody
// carries them.
func TestDeliveriesOfALostReceiver(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	added, err := k.store.AddDelivery(t.Context(), model.Delivery{Channel: "robot:old", EventID: "e", EventType: "x.y", Body: "no JSON"})
	k.ok(err)
	if !added {
		t.Fatal("not added")
	}
	due, err := k.store.DueDeliveries(t.Context(), "robot:old", 1)
	k.ok(err)
	k.endDelivery(due[0], errors.New("gone"))
	path := fmt.Sprint("/admin/deliveries/", due[0].ID)
	if page := admin.get(path).body; !strings.Contains(page, "not in the configuration any more") || !strings.Contains(page, "no JSON") ||
		strings.Contains(page, ">Send again<") {
		t.Errorf("its page:\n%s", page)
	}
	if r := admin.send(http.MethodPost, path, url.Values{}); r.StatusCode != http.StatusConflict {
		t.Errorf("again: %d", r.StatusCode)
	}
	if page := admin.get("/admin/deliveries?receiver=robot%3Aold").body; !strings.Contains(page, `<option value="robot:old" selected>`) {
		t.Errorf("the filter forgets it:\n%s", page)
	}
}
