// What a session hands to its visitor: files, the clipboard's text, and the address of what is on screen.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text)  // where the page comes from this machine or over https
    return true
  } catch {
    const field = document.createElement("textarea")
    field.value = text
    field.style.position = "fixed"
    document.body.append(field)
    field.select()
    const done = document.execCommand("copy")
    field.remove()
    return done
  }
}

export function render({model, el}) {
  const note = document.createElement("div")
  note.role = "status"
  el.append(note)
  let fading = null

  function say(words, text = "") {
    clearTimeout(fading)
    note.textContent = words
    if (text) {  // to be copied by hand
      const field = document.createElement("textarea")
      field.ariaLabel = words
      field.readOnly = true
      field.value = text
      note.append(field)
      field.select()
    }
    note.className = "shown"
    fading = setTimeout(() => { note.className = ""; note.replaceChildren() }, text ? 30000 : 4000)
  }

  async function take(data) {
    if (data.base64) deliver(data)
    const text = data.query == null ? data.text : `${model.address || location.origin + location.pathname}?${data.query}`
    if (text == null) return say(data.words)
    await copy(text) ? say(data.words) : say("Copy this:", text)
  }

  let waiting = null
  function follow() {
    clearTimeout(waiting)
    if (model.address || model.query == "") return
    // Browsers refuse more than a hundred of these in half a minute.
    waiting = setTimeout(() => history.replaceState(history.state, "", `?${model.query}${location.hash}`), 400)
  }

  model.on("msg:custom", take)
  model.on("query", follow)
  follow()
}
