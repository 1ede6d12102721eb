"""The button to Colab leads to the branch of the launch notebooks; the theme has one branch for all buttons."""


def lead_colab_to_its_branch(app, pagename, templatename, context, doctree):
    """Put the launch notebooks' branch into the address of a page's Colab button."""
    branch = app.config.html_theme_options.get("repository_branch", "")
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            if button.get("text") == "Colab":
                button["url"] = button["url"].replace(f"/blob/{branch}/", f"/blob/{app.config.ae_launch_branch}/", 1)


def setup(app):
    """Register the extension with Sphinx."""
    app.add_config_value("ae_launch_branch", "launch", "html")
    app.connect("html-page-context", lead_colab_to_its_branch, priority=900)  # after the theme has made its buttons
    return {"parallel_read_safe": True, "parallel_write_safe": True}
