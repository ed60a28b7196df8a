package simulator_test

import (
	"regexp"
	"testing"
)

func TestCardCodesAreDecrypted(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	path := "/card/code/decrypt?access_token=" + w.stable(false).AccessToken
	code := regexp.MustCompile(`"code":"\d{12}"`)
	one := w.want("a code", w.post(path, `{"encrypt_code":"XXIzTtMqCxwOaawoE91"}`), 0).raw
	same := w.want("the code again", w.post(path, `{"encrypt_code":"XXIzTtMqCxwOaawoE91"}`), 0).raw
	other := w.want("another code", w.post(path, `{"encrypt_code":"XXIzTtMqCxwOaawoE92"}`), 0).raw
	if a := code.FindString(one); a == "" || a != code.FindString(same) || a == code.FindString(other) {
		t.Errorf("%s, %s, %s", one, same, other)
	}
	w.want("no code", w.post(path, `{}`), 40056)
	w.want("a dead token", w.post("/card/code/decrypt?access_token=x", `{"encrypt_code":"x"}`), 40001)
	w.want("a GET", w.get(path), 43002)
}
