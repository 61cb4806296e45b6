// Between an output of a notebook and its kernel. notebook.py is the other side.
const AGAIN = 1000, LATE = 6000  // milliseconds between two calls, and before the page says that none was answered
const SENTENCE = "The kernel has not answered yet, so this may be out of date. If it is not busy, run the cell again."

// JupyterLab's extension gives up if it has no kernel two seconds after the page begins to build its outputs
// (pyviz_comms 3.0), and Panel's manager does nothing if it comes before the extension.
function connect(manager) {
  const ns = manager.ns = window.PyViz
  const {plot_id, comm_id, client_comm_id} = manager
  if (!ns?.comm_manager || !ns.kernels[plot_id] || manager._client_comm?.connected) return
  ns.shared_views ??= new Map()
  if (!ns.shared_views.has(plot_id)) ns.shared_views.set(plot_id, [manager])
  delete ns.comms[client_comm_id]
  ns.comm_manager.register_target(plot_id, comm_id, (message) => {
    for (const one of ns.shared_views.get(plot_id)) one.msg_handler(message)
  })
  manager._client_comm = ns.comm_manager.get_client_comm(plot_id, client_comm_id, (message) => manager.on_ack(message))
}

// Panel sends what came from the kernel back to it, which by then may have moved on, and after the page was loaded anew
// each change as a message of its own (panel 1.9.4).
function mend(manager) {
  const inherited = Object.getPrototypeOf(manager)._document_changed
  manager._document_changed = (event) => { if (event.sync !== false) inherited.call(manager, event) }
  manager._reconnect = false
}

export function render({model, view, el}) {
  if (!model.has_kernel) return
  const page = crypto.randomUUID?.() ?? String(Math.random()), began = Date.now()
  const manager = view.model.document.roots().find((root) => root.client_comm_id)
  if (manager) mend(manager)

  function call() {
    const waited = Date.now() - began
    if (manager && waited > 3 * AGAIN) connect(manager)
    if (waited > LATE) el.innerHTML = `<p role="status" style="margin: 4px 10px; font-size: 14px">${SENTENCE}</p>`
    model.send_msg({output: view.root.model.id, page})
  }
  const calling = setInterval(call, AGAIN)
  model.on("msg:custom", (answered) => {
    if (answered != page) return
    clearInterval(calling)
    el.textContent = ""
  })
  model.on("remove", () => clearInterval(calling))
  call()
}
